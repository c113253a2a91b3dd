/// Writes the constants of a program's procedures, and their descriptions.
struct ProcedureWriter {
    /// The Swift namespace of the program.
    let namespace: String

    /// The constant of one procedure, within an extension of the namespace.
    func constant(_ procedure: ProcedureModel, doc: String) -> SourceText {
        var text = SourceText()
        text.doc(doc, indent: 1)
        let types = "\(procedure.arguments ?? "XDRVoid"), \(procedure.result ?? "XDRVoid")"
        let name = SwiftNames.escaped(procedure.name)
        let value =
            "XDRProcedure(program: program, version: version, number: \(procedure.number), "
            + "name: \"\(procedure.name)\")"
        let opening = "public static let \(name):"
        if opening.count + types.count + 22 <= 100 {
            text.line("\(opening) XDRProcedure<\(types)> =", indent: 1)
        } else {
            text.line(opening, indent: 1)
            text.line("XDRProcedure<\(types)> =", indent: 2)
        }
        text.line(value, indent: 2)
        return text
    }

    /// The documentation of a procedure of libvirt's: facts and the link to its reference.
    static func doc(_ procedure: ProcedureModel) -> String {
        var lines = [opening(procedure)]
        let rights = Self.rights(procedure)
        if !rights.isEmpty { lines.append(rights) }
        switch procedure.stream {
        case .read: lines.append("Opens a stream from the server.")
        case .write: lines.append("Opens a stream to the server.")
        case .duplex: lines.append("Opens a stream both ways.")
        case nil: break
        }
        switch procedure.descriptors {
        case .send: lines.append("File descriptors go with the call.")
        case .receive: lines.append("File descriptors come with the reply.")
        case .both: lines.append("File descriptors go with the call and come with the reply.")
        case nil: break
        }
        if let function = procedure.function, let header = procedure.header {
            lines.append("<\(Reference.page(of: header))#\(function)>")
        }
        return lines.joined(separator: "\n\n")
    }

    private static func opening(_ procedure: ProcedureModel) -> String {
        let what = procedure.kind == .event ? "Event" : "Procedure"
        let priority = procedure.priority == .high ? ", high priority" : ""
        guard let function = procedure.function, let since = procedure.since else {
            return "\(what) \(procedure.number)\(priority)."
        }
        return "\(what) \(procedure.number)\(priority): `\(function)`, since libvirt \(since)."
    }

    private static func rights(_ procedure: ProcedureModel) -> String {
        var sentences: [String] = []
        if let acl = procedure.acl, !acl.isEmpty {
            sentences.append("Needs " + acl.map { "`\($0)`" }.joined(separator: ", ") + ".")
        }
        if let filter = procedure.aclFilter {
            sentences.append(
                "Tells of objects with " + filter.map { "`\($0)`" }.joined(separator: ", ") + ".")
        }
        if procedure.isReadOnly == false {
            sentences.append("Refused on a read-only connection.")
        }
        return sentences.joined(separator: " ")
    }

    /// The columns of the table of descriptions, in which `-` stands for nothing.
    static let columns =
        "number name kind priority stream descriptors read-only rights filters sparse-flag "
        + "function since"

    /// One row of the table of descriptions.
    static func row(_ procedure: ProcedureModel, nameWidth: Int) -> String {
        let number = "\(procedure.number)"
        let name = procedure.name
        let readOnly = procedure.isReadOnly.map { $0 ? "allowed" : "refused" }
        let columns: [String?] = [
            number + String(repeating: " ", count: max(0, 3 - number.count)),
            name + String(repeating: " ", count: max(0, nameWidth - name.count)),
            procedure.kind.rawValue, procedure.priority.rawValue, procedure.stream?.rawValue,
            procedure.descriptors?.rawValue, readOnly,
            procedure.acl.map { $0.isEmpty ? "none" : $0.joined(separator: ",") },
            procedure.aclFilter?.joined(separator: ","), procedure.sparseFlag,
            procedure.function, procedure.since,
        ]
        return columns.map { $0 ?? "-" }.joined(separator: " ")
    }
}

/// Libvirt's reference of its C API.
enum Reference {
    /// The page of a header, without `.h`.
    static func page(of header: String) -> String {
        "https://libvirt.org/html/libvirt-\(header).html"
    }
}

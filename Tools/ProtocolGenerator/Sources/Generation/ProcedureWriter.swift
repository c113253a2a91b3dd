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
        text.line("public static let \(name): XDRProcedure<\(types)> =", indent: 1)
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

    /// One row of the table of descriptions.
    func row(_ procedure: ProcedureModel) -> SourceText {
        var arguments = [SwiftNames.escaped(procedure.name), ".\(procedure.kind.rawValue)"]
        if procedure.priority == .high { arguments.append("priority: .high") }
        if let stream = procedure.stream { arguments.append("stream: .\(stream.rawValue)") }
        if let flag = procedure.sparseFlag { arguments.append("sparseFlag: \"\(flag)\"") }
        if let descriptors = procedure.descriptors {
            let list: [ProcedureModel.Descriptors: String] = [
                .send: ".send", .receive: ".receive", .both: "[.send, .receive]",
            ]
            arguments.append("descriptors: \(list[descriptors] ?? "[]")")
        }
        if let acl = procedure.acl { arguments.append("rights: \(Self.list(acl))") }
        if let filter = procedure.aclFilter { arguments.append("filters: \(Self.list(filter))") }
        if let isReadOnly = procedure.isReadOnly {
            arguments.append("isReadOnly: \(isReadOnly)")
        }
        if let function = procedure.function { arguments.append("function: \"\(function)\"") }
        if let since = procedure.since {
            let parts = since.split(separator: ".").joined(separator: ", ")
            arguments.append("since: LibvirtVersion(\(parts))")
        }
        var text = SourceText()
        text.call("ProcedureDescription(", arguments, "),", indent: 2)
        return text
    }

    private static func list(_ rights: [String]) -> String {
        "[" + rights.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
    }
}

/// Libvirt's reference of its C API.
enum Reference {
    /// The page of a header, without `.h`.
    static func page(of header: String) -> String {
        "https://libvirt.org/html/libvirt-\(header).html"
    }
}

/// Writes the files of one of libvirt's protocols.
struct ProgramWriter {
    /// The Swift namespace of the program and the folder of its files.
    let namespace: String
    let model: ProtocolModel
    let areas: [Area]
    /// The models whose types this one uses.
    let imported: [ProtocolModel]

    /// - Throws: `LanguageError` when the model does not fit together.
    func files() throws(LanguageError) -> [GeneratedFile] {
        let definitions = try model.definitions()
        var importedDefinitions: [Definition] = []
        for model in imported { importedDefinitions += try model.definitions() }
        let schema = try Schema(
            file: model.name, definitions: definitions, imported: importedDefinitions)
        let types = TypeWriter(schema: schema)

        let users = Dictionary(
            model.procedures.flatMap { procedure in
                [procedure.arguments, procedure.result].compactMap { $0 }.map { ($0, procedure) }
            }
        ) { first, _ in first }
        var blocksOfArea: [String: [SourceText]] = [:]
        var common: [SourceText] = []
        for definition in definitions {
            let user = users[definition.name]
            let text = try types.text(of: definition, doc: doc(of: definition, user: user))
            if let user {
                blocksOfArea[area(of: user).name, default: []].append(text)
            } else {
                common.append(text)
            }
        }
        var files = file("Types", common)
        for area in areas {
            let procedures = model.procedures.filter { self.area(of: $0).name == area.name }
            guard !procedures.isEmpty else { continue }
            files += file(area.name, constants(procedures))
            files += file(area.name + "+Messages", blocksOfArea[area.name] ?? [])
            files += file(area.name + "+Table", [table(procedures, of: area)], importsXDR: false)
        }
        if let program = model.program {
            files += file("Program", [self.program(program)], importsXDR: false)
        }
        return files
    }

    private func file(
        _ name: String, _ blocks: [SourceText], importsXDR: Bool = true
    ) -> [GeneratedFile] {
        Chunks.files(
            named: "\(namespace)/\(namespace)+\(name)",
            header: Header.text(
                "the facts of \(model.source.package) \(model.source.version)'s "
                    + model.source.file, importsXDR: importsXDR),
            blocks: blocks)
    }

    private func area(of procedure: ProcedureModel) -> Area {
        areas.first { $0.prefixes.contains { procedure.name.hasPrefix($0) } } ?? areas[0]
    }

    private func doc(of definition: Definition, user: ProcedureModel?) -> String {
        if let user {
            let use =
                if user.kind == .event {
                    "What the event"
                } else if user.result == definition.name {
                    "The result of"
                } else {
                    "The arguments of"
                }
            return user.kind == .event
                ? "\(use) ``\(namespace)/\(user.name)`` tells."
                : "\(use) ``\(namespace)/\(user.name)``."
        }
        switch definition.body {
        case .constant: return "A limit of the protocol."
        case .alias(let declaration): return "`typedef \(declaration)`"
        case .enumeration: return "`enum \(definition.name)`"
        case .structure: return "`struct \(definition.name)`"
        case .union(let discriminant, _):
            return "`union \(definition.name) switch (\(discriminant))`"
        }
    }

    private func program(_ program: ProtocolModel.Program) -> SourceText {
        var text = SourceText()
        let names = areas.filter { area in
            model.procedures.contains { self.area(of: $0).name == area.name }
        }.map { "\(SwiftNames.lowerFirst($0.name))Table" }
        text.doc("The procedures and events of the program `\(model.name)`.")
        text.line("public enum \(namespace) {")
        text.doc("The program's number.", indent: 1)
        let number = String(program.number, radix: 16)
        text.line("public static let program: UInt32 = 0x\(number)", indent: 1)
        text.doc("The program's version.", indent: 1)
        text.line("public static let version: UInt32 = \(program.version)", indent: 1)
        text.line()
        text.doc(
            "What is known of every procedure, by number: procedure n is at index n - 1.",
            indent: 1)
        text.call(
            "public static let procedures = ProcedureDescription.all(of: program, in: [", names,
            "])",
            indent: 1)
        text.line("}")
        return text
    }

    /// The constants of an area's procedures.
    private func constants(_ procedures: [ProcedureModel]) -> [SourceText] {
        let writer = ProcedureWriter(namespace: namespace)
        var blocks: [SourceText] = []
        // Small extensions: a file can end after each, and the compiler checks each alone.
        for start in stride(from: 0, to: procedures.count, by: 16) {
            let part = procedures[start..<min(start + 16, procedures.count)]
            var text = SourceText()
            text.line("extension \(namespace) {")
            for (index, procedure) in part.enumerated() {
                if index > 0 { text.line() }
                text.append(writer.constant(procedure, doc: ProcedureWriter.doc(procedure)))
            }
            text.line("}")
            blocks.append(text)
        }
        return blocks
    }

    /// The descriptions of an area's procedures: text that is read when first asked for, because
    /// the compiler takes half a minute for as many calls of an initializer.
    private func table(_ procedures: [ProcedureModel], of area: Area) -> SourceText {
        let width = procedures.map(\.name.count).max() ?? 0
        var text = SourceText()
        text.line("extension \(namespace) {")
        text.line("// \(ProcedureWriter.columns)", indent: 1)
        text.line("static let \(SwiftNames.lowerFirst(area.name))Table = \"\"\"", indent: 1)
        for procedure in procedures {
            text.line(ProcedureWriter.row(procedure, nameWidth: width), indent: 2)
        }
        text.line("\"\"\"", indent: 2)
        text.line("}")
        return text
    }
}

/// The first lines of every generated file.
enum Header {
    static func text(_ source: String, importsXDR: Bool = true) -> SourceText {
        var text = SourceText()
        text.line("// Generated by ProtocolGenerator from \(source).")
        text.line("// Do not edit: change the generator or its model, then")
        text.line("// swift run ProtocolGenerator generate")
        text.line("// Names and layout follow the wire.")
        text.line("// swift-format-ignore-file")
        guard importsXDR else { return text }
        text.line()
        text.line("public import XDR")
        return text
    }
}

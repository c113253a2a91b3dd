/// Writes our own protocol, whose documentation stands in its description.
struct OwnProtocolWriter {
    private let file: String
    private let definitions: [Definition]
    private let model: ProtocolModel

    /// The Swift namespace of the program.
    static let namespace = "Virtwire"
    private static let names = ProtocolSource.ProgramNames(
        number: "VIRTWIRE_PROGRAM", version: "VIRTWIRE_PROTOCOL_VERSION",
        procedures: "virtwire_procedure", prefix: "VIRTWIRE_PROC_",
        structurePrefix: "virtwire_", functionPrefix: nil)

    /// - Throws: `LanguageError` when the description is not right.
    init(file: String, text: String) throws(LanguageError) {
        self.file = file
        definitions = try Parser.definitions(file: file, text: text)
        let importer = ProtocolImporter(
            api: APIDescription(), rules: ReadOnlyRules(sources: [], permissions: ""))
        model = try importer.model(
            of: ProtocolSource(name: "virtwire", file: file, program: Self.names), text: text,
            package: .init(package: "virtwire", version: "", file: file))
    }

    /// The definitions without the program's own numbers.
    var types: [Definition] {
        let names = Self.names
        return definitions.filter {
            ![names.number, names.version, names.procedures].contains($0.name)
        }
    }

    /// The program's procedures.
    var procedures: [ProcedureModel] { model.procedures }

    /// - Throws: `LanguageError` when the description does not fit together.
    func files() throws(LanguageError) -> [GeneratedFile] {
        let schema = try Schema(file: file, definitions: definitions)
        let writer = TypeWriter(schema: schema)
        var blocks: [SourceText] = []
        for definition in types {
            guard let doc = definition.comment else {
                throw LanguageError(
                    file: file, line: definition.line,
                    message: "\(definition.name) has no documentation before it")
            }
            blocks.append(try writer.text(of: definition, doc: doc))
        }
        let header = Header.text(file)
        return Chunks.files(named: "Virtwire+Types", header: header, blocks: blocks)
            + Chunks.files(named: "Virtwire", header: header, blocks: [program])
    }

    private var program: SourceText {
        var text = SourceText()
        text.doc("The procedures of virtwired's control socket.")
        text.line("public enum \(Self.namespace) {")
        if let program = model.program {
            text.doc("The program's number.", indent: 1)
            let number = String(program.number, radix: 16)
            text.line("public static let program: UInt32 = 0x\(number)", indent: 1)
            text.doc("The program's version.", indent: 1)
            text.line("public static let version: UInt32 = \(program.version)", indent: 1)
        }
        let writer = ProcedureWriter(namespace: Self.namespace)
        for procedure in model.procedures {
            text.line()
            text.append(writer.constant(procedure, doc: doc(of: procedure)))
        }
        text.line("}")
        return text
    }

    private func doc(of procedure: ProcedureModel) -> String {
        for definition in definitions where definition.name == Self.names.procedures {
            guard case .enumeration(let members) = definition.body else { continue }
            let name = Self.names.prefix + procedure.name
            if let comment = members.first(where: { $0.name == name })?.comment { return comment }
        }
        return "Procedure \(procedure.number)."
    }
}

/// Writes the methods of `Libvirt`'s objects for the functions that only pass on what they get.
struct MethodWriter {
    /// A program, its model, and the models whose types it uses.
    struct Program {
        var namespace: String
        var model: ProtocolModel
        var areas: [Area]
        var imported: [ProtocolModel] = []
    }

    var programs: [Program]
    var api: APIModel

    /// A function that has a method, and what the method looks like.
    struct Method {
        var program: Program
        var area: String
        var procedure: ProcedureModel
        var function: String
        var shape: MethodShape
        /// The fields of the result's structure on the wire.
        var answer: [Declaration]
        /// What is called where no flag is asked for, for daemons that know nothing newer.
        var older: (procedure: ProcedureModel, shape: MethodShape)?
    }

    /// The methods of every program, in the order of its areas.
    ///
    /// - Throws: `LanguageError` when a model is not what the importer writes.
    func methods() throws -> [Method] {
        let flags = Set(api.enumerations.filter(\.isFlags).map(\.name))
        var methods: [Method] = []
        for program in programs {
            let tables = try Tables(program)
            for area in program.areas {
                for procedure in program.model.procedures
                where Self.area(of: procedure, program.areas) == area.name {
                    guard let function = procedure.function, procedure.kind == .call,
                        procedure.stream == nil, procedure.descriptors == nil,
                        !HandWritten.functions.contains(function),
                        !HandWritten.superseded.keys.contains(function),
                        let shape = tables.shape(of: procedure, function, isFlags: flags.contains)
                    else { continue }
                    let older = HandWritten.late[function].flatMap { name in
                        program.model.procedures.first { $0.function == name }
                    }
                    methods.append(
                        Method(
                            program: program, area: area.name, procedure: procedure,
                            function: function, shape: shape,
                            answer: tables.structures[procedure.result ?? ""] ?? [],
                            older: older.flatMap { older in
                                tables.shape(
                                    of: older, older.function ?? "", isFlags: flags.contains
                                ).map { (older, $0) }
                            }))
                }
            }
        }
        return methods
    }

    /// One file or more for each area of each program.
    ///
    /// - Throws: `LanguageError` when a model is not what the importer writes.
    func files() throws -> [GeneratedFile] {
        let methods = try methods()
        return programs.flatMap { program in
            program.areas.flatMap { area in
                let own = methods.filter {
                    $0.program.namespace == program.namespace && $0.area == area.name
                }
                return Chunks.files(
                    named: "\(program.namespace)+\(area.name)", header: header(program),
                    blocks: Self.sorted(
                        own.map { ($0.shape.receiver, Self.text(of: $0)) })
                ).map(Self.tidied)
            }
        }
    }

    private static func area(of procedure: ProcedureModel, _ areas: [Area]) -> String? {
        areas.first { $0.prefixes.contains { procedure.name.hasPrefix($0) } }?.name
    }

    /// The methods of one receiver after the other's, each in an extension of its own.
    private static func sorted(_ methods: [(receiver: String, text: SourceText)]) -> [SourceText] {
        var receivers: [String] = []
        for method in methods where !receivers.contains(method.receiver) {
            receivers.append(method.receiver)
        }
        return receivers.flatMap { receiver in
            methods.filter { $0.receiver == receiver }.map(\.text)
        }
    }

    /// Joins neighbouring extensions of one type, and imports no more in public than is public.
    private static func tidied(_ file: GeneratedFile) -> GeneratedFile {
        var lines: [Substring] = []
        var opening: Substring?
        for line in file.text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("extension ") {
                if line == opening {
                    // What closed the extension before: a brace and an empty line.
                    lines.removeLast(2)
                    lines.append("")
                    continue
                }
                opening = line
            }
            lines.append(line)
        }
        var text = lines.joined(separator: "\n")
        if !text.contains(#/(: |-> )vir\w+( =|[,) ])/#) {
            text = text.replacing(
                "public import LibvirtProtocol", with: "internal import LibvirtProtocol")
        }
        return GeneratedFile(path: file.path, text: text)
    }

    private func header(_ program: Program) -> SourceText {
        SourceText([
            "// Generated by ProtocolGenerator from the facts of libvirt "
                + "\(program.model.source.version)'s API.",
            "// Do not edit: change the generator or its model, then",
            "// swift run ProtocolGenerator generate",
            "// swift-format-ignore-file",
            "",
            "public import LibvirtProtocol",
            "internal import XDR",
        ])
    }

    private static func text(of method: Method) -> SourceText {
        let shape = method.shape
        var text = SourceText()
        text.line("extension \(shape.receiver) {")
        text.doc(doc(method.procedure), indent: 1)
        let parameters = shape.parameters.enumerated().map { index, parameter in
            Self.parameter(parameter, isFirst: index == 0, shape)
        }
        let result = resultType(shape)
        text.call(
            "public func \(SwiftNames.escaped(shape.name))(", parameters,
            ") async throws(LibvirtError)\(result.isEmpty ? "" : " -> \(result)") {", indent: 1)
        let namespace = method.program.namespace
        if let older = method.older {
            text.line("if flags.isEmpty {", indent: 2)
            text.append(body(older.procedure, older.shape, namespace, indent: 3))
            if older.shape.results.isEmpty { text.line("return", indent: 3) }
            text.line("}", indent: 2)
        }
        text.append(body(method.procedure, shape, namespace, indent: 2))
        text.line("}", indent: 1)
        text.line("}")
        return text
    }

    /// The call, and what it returns.
    private static func body(
        _ procedure: ProcedureModel, _ shape: MethodShape, _ namespace: String, indent: Int
    ) -> SourceText {
        var text = SourceText()
        let receiver = shape.receiver == "Connection" ? "" : "connection."
        let beginning = shape.results.isEmpty ? "_ = " : "let result = "
        let name = "\(namespace).\(SwiftNames.escaped(procedure.name))"
        text.line("\(beginning)try await \(receiver)call(", indent: indent)
        if let type = procedure.arguments {
            text.line("\(name),", indent: indent + 1)
            text.call(
                "\(type)(",
                shape.arguments.map { "\(SwiftNames.escaped($0.field)): \($0.value)" }, "))",
                indent: indent + 1)
        } else {
            text.line("\(name), XDRVoid())", indent: indent + 1)
        }
        if !shape.results.isEmpty { text.append(returning(shape, indent: indent)) }
        return text
    }

    private static func doc(_ procedure: ProcedureModel) -> String {
        let function = procedure.function ?? ""
        let since = procedure.since.map { ", since libvirt \($0)" } ?? ""
        var text = "`\(function)`\(since)."
        let older = HandWritten.superseded.filter { $0.value == function }.keys.sorted()
        if !older.isEmpty {
            text +=
                " Does what "
                + older.map { "`\($0)`" }.joined(separator: " and ") + " did without flags."
        }
        if HandWritten.late[function] != nil {
            text += " Without flags that one is called, which older daemons know, too."
        }
        if procedure.isReadOnly == false { text += " Refused on a read-only connection." }
        let page = procedure.header.map { "\n\n<\(Reference.page(of: $0))#\(function)>" }
        return text + (page ?? "")
    }

    /// The first parameter has no label where the method's name ends in it.
    static func isSaid(
        _ parameter: MethodShape.Parameter, isFirst: Bool, _ shape: MethodShape
    ) -> Bool {
        isFirst && parameter.label != "flags"
            && shape.name.lowercased().hasSuffix(parameter.label.lowercased())
    }

    private static func parameter(
        _ parameter: MethodShape.Parameter, isFirst: Bool, _ shape: MethodShape
    ) -> String {
        let isSaid = isSaid(parameter, isFirst: isFirst, shape)
        let label = SwiftNames.escaped(parameter.label)
        let fallback = parameter.fallback.map { " = \($0)" } ?? ""
        return "\(isSaid ? "_ " : "")\(label): \(parameter.type)\(fallback)"
    }

    private static func resultType(_ shape: MethodShape) -> String {
        if shape.isTruth { return "Bool" }
        if shape.results.count < 2 { return shape.results.first?.type ?? "" }
        return "(" + shape.results.map { "\($0.label): \($0.type)" }.joined(separator: ", ") + ")"
    }

    private static func returning(_ shape: MethodShape, indent: Int) -> SourceText {
        var text = SourceText()
        let values = shape.results.map { $0.decoded("result.\(SwiftNames.escaped($0.field))") }
        if shape.results.count == 1 {
            text.line("return \(values[0])\(shape.isTruth ? " != 0" : "")", indent: indent)
        } else {
            let parts = zip(shape.results, values).map { "\($0.label): \($1)" }
            text.call("return (", parts, ")", indent: indent)
        }
        return text
    }
}

/// A program's structures by name, and the bounds of their lists.
private struct Tables {
    var structures: [String: [Declaration]] = [:]
    private var constants: ConstantTable

    init(_ program: MethodWriter.Program) throws {
        var definitions = try program.model.definitions()
        for model in program.imported { definitions += try model.definitions() }
        constants = ConstantTable(definitions)
        for definition in definitions {
            if case .structure(let fields) = definition.body {
                structures[definition.name] = fields
            }
        }
    }

    func shape(
        of procedure: ProcedureModel, _ function: String, isFlags: (String) -> Bool
    ) -> MethodShape? {
        MethodShape(
            procedure, function: function, structures: structures, limit: limit, isFlags: isFlags)
    }

    func limit(_ list: Declaration) -> Int64? {
        guard case .variable(let value?) = list.shape else { return nil }
        return try? constants.value(value, file: "model")
    }
}

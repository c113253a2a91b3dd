/// Makes the model of a protocol from its description.
struct ProtocolImporter {
    let functions: [String: APIDescription.Function]
    let rules: ReadOnlyRules

    init(api: APIDescription, rules: ReadOnlyRules) {
        // Functions are found by name without regard to case, which the procedures' names lose.
        functions = Dictionary(api.functions.map { ($0.name.lowercased(), $0) }) { first, _ in first
        }
        self.rules = rules
    }

    /// - Throws: `LanguageError` for what the description does not define or what is unknown.
    func model(
        of source: ProtocolSource, text: String, package: ProtocolModel.Source
    ) throws(LanguageError) -> ProtocolModel {
        var definitions = try Parser.definitions(file: source.file, text: text)
        var package = package
        package.file = source.file
        guard let names = source.program else {
            return ProtocolModel(
                name: source.name, source: package, program: nil, definitions: definitions)
        }
        let constants = ConstantTable(definitions)
        let program = ProtocolModel.Program(
            number: UInt32(try constants.value(of: names.number, file: source.file)),
            version: UInt32(try constants.value(of: names.version, file: source.file)))
        let members = try Self.procedures(named: names.procedures, in: definitions, source.file)
        let structures = Structures(definitions)
        var procedures: [ProcedureModel] = []
        for member in members {
            procedures.append(try procedure(member, source, names, structures, constants))
        }
        let taken: Set<String> = [names.number, names.version, names.procedures]
        definitions.removeAll { taken.contains($0.name) }
        var model = ProtocolModel(
            name: source.name, source: package, program: program, definitions: definitions)
        model.procedures = procedures.sorted { $0.number < $1.number }
        return model
    }

    private static func procedures(
        named name: String, in definitions: [Definition], _ file: String
    ) throws(LanguageError) -> [Definition.Member] {
        for definition in definitions where definition.name == name {
            if case .enumeration(let members) = definition.body { return members }
        }
        throw LanguageError(file: file, line: 1, message: "enum \(name) is not there")
    }

    private func procedure(
        _ member: Definition.Member, _ source: ProtocolSource,
        _ names: ProtocolSource.ProgramNames, _ structures: Structures,
        _ constants: ConstantTable
    ) throws(LanguageError) -> ProcedureModel {
        let name = String(member.name.trimmingPrefix(names.prefix))
        let annotations = try Annotations(comment: member.comment, file: source.file, line: 1)
        let message = structures.find(names.structurePrefix + name + "Msg")
        let isEvent = message != nil
        let functionName = Overrides.functions[source.name]?[name] ?? functionName(of: name, names)
        let function = functionName.flatMap { functions[$0.lowercased()] }
        let stream = annotations.stream.flatMap(ProcedureModel.Stream.init(rawValue:))
        return ProcedureModel(
            name: name,
            number: Int32(try constants.value(member.value, file: source.file)),
            kind: isEvent ? .event : .call,
            arguments: message ?? structures.find(names.structurePrefix + name + "Args"),
            result: structures.find(names.structurePrefix + name + "Ret"),
            generate: annotations.generate,
            priority: annotations.priority == "high" ? .high : .low,
            stream: Overrides.streams[source.name]?[name] ?? stream,
            sparseFlag: annotations.sparseFlag,
            descriptors: Overrides.descriptors[source.name]?[name],
            acl: annotations.acl,
            aclFilter: annotations.aclFilter.isEmpty ? nil : annotations.aclFilter,
            isReadOnly: isEvent
                ? nil : rules.isReadOnly(function: function?.name, acl: annotations.acl),
            function: function?.name,
            header: function?.header,
            since: function?.since,
            flags: function?.flags)
    }

    /// The function of a procedure by libvirt's rule for names, or nil where none fits.
    ///
    /// Functions of the drivers' own programs have the driver's name inside:
    /// `DOMAIN_ATTACH` of QEMU's program is `virDomainQemuAttach`.
    private func functionName(of name: String, _ names: ProtocolSource.ProgramNames) -> String? {
        guard let prefix = names.functionPrefix else { return nil }
        let plain = name.replacing("_", with: "").lowercased()
        var candidates = [prefix.lowercased() + plain]
        let driver = names.structurePrefix.dropLast()
        for object in ["connectdomain", "domain"] where plain.hasPrefix(object) {
            candidates.append(prefix + object + driver + plain.dropFirst(object.count))
        }
        return candidates.first { functions[$0.lowercased()] != nil }
    }
}

/// The names of a description's structures, found without regard to case and underscores.
private struct Structures {
    private var names: [String: String] = [:]

    init(_ definitions: [Definition]) {
        for definition in definitions {
            if case .structure = definition.body {
                names[Self.plain(definition.name)] = definition.name
            }
        }
    }

    func find(_ name: String) -> String? { names[Self.plain(name)] }

    private static func plain(_ name: String) -> String {
        name.replacing("_", with: "").lowercased()
    }
}

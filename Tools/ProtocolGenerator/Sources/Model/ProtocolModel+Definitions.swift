extension ProtocolModel {
    /// The definitions as the generator wants them.
    ///
    /// - Throws: `LanguageError` when the model is not what the importer writes.
    func definitions() throws(LanguageError) -> [Definition] {
        var definitions: [Definition] = []
        func add(_ name: String, _ body: Definition.Body) {
            definitions.append(Definition(name: name, body: body, line: 0))
        }
        for constant in constants { add(constant.name, .constant(Self.value(constant.value))) }
        for alias in aliases {
            let declaration = try Parser.declaration(alias)
            add(declaration.name, .alias(declaration))
        }
        for enumeration in enumerations {
            let members = enumeration.members.map {
                Definition.Member(name: $0.name, value: Self.value($0.value))
            }
            add(enumeration.name, .enumeration(members))
        }
        for structure in structures {
            var fields: [Declaration] = []
            for field in structure.fields { fields.append(try Parser.declaration(field)) }
            add(structure.name, .structure(fields))
        }
        for union in unions {
            var arms: [Definition.Arm] = []
            for arm in union.arms {
                let declaration = try Parser.declaration(arm.declaration)
                arms.append(.init(labels: arm.labels.map(Self.value), declaration: declaration))
            }
            let discriminant = try Parser.declaration(union.discriminant)
            add(union.name, .union(discriminant: discriminant, arms: arms))
        }
        return definitions
    }

    private static func value(_ text: String) -> Declaration.Value {
        Int64(text).map(Declaration.Value.number) ?? .constant(text)
    }

    /// A model of the definitions, without procedures.
    init(name: String, source: Source, program: Program?, definitions: [Definition]) {
        self.init(
            name: name, source: source, program: program, constants: [], aliases: [],
            enumerations: [], structures: [], unions: [], procedures: [])
        for definition in definitions {
            switch definition.body {
            case .constant(let value):
                constants.append(.init(name: definition.name, value: value.description))
            case .alias(let declaration):
                aliases.append(declaration.description)
            case .enumeration(let members):
                let members = members.map {
                    Constant(name: $0.name, value: $0.value.description)
                }
                enumerations.append(.init(name: definition.name, members: members))
            case .structure(let fields):
                structures.append(
                    .init(name: definition.name, fields: fields.map(\.description)))
            case .union(let discriminant, let arms):
                let arms = arms.map {
                    Union.Arm(
                        labels: $0.labels.map(\.description),
                        declaration: $0.declaration.description)
                }
                unions.append(
                    .init(
                        name: definition.name, discriminant: discriminant.description, arms: arms))
            }
        }
    }
}

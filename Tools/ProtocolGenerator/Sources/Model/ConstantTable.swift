/// The values of a description's constants, of those that enumerations define, and of those that
/// come from libvirt's C headers.
struct ConstantTable {
    private var values: [String: Declaration.Value] = [:]

    init(_ definitions: [Definition]) {
        values = Overrides.constants.mapValues(Declaration.Value.number)
        for definition in definitions {
            switch definition.body {
            case .constant(let value): values[definition.name] = value
            case .enumeration(let members):
                for member in members { values[member.name] = member.value }
            default: continue
            }
        }
    }

    /// - Throws: `LanguageError` when the constant is not defined, or by itself.
    func value(of name: String, file: String) throws(LanguageError) -> Int64 {
        try value(.constant(name), file: file)
    }

    /// - Throws: `LanguageError` when a constant is not defined, or by itself.
    func value(_ value: Declaration.Value, file: String) throws(LanguageError) -> Int64 {
        var value = value
        // A chain cannot be longer than there are constants, unless it bites its tail.
        for _ in 0...values.count {
            switch value {
            case .number(let number): return number
            case .constant(let name):
                guard let next = values[name] else {
                    throw LanguageError(
                        file: file, line: 1, message: "the constant \(name) is not defined")
                }
                value = next
            }
        }
        throw LanguageError(file: file, line: 1, message: "\(value) is defined by itself")
    }
}

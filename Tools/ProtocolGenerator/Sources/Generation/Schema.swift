/// The types and constants that a protocol's declarations may name, and what each takes.
struct Schema {
    let file: String
    private var bodies: [String: Definition.Body] = [:]
    private let constants: ConstantTable

    /// - Parameter imported: the definitions of other descriptions that this one uses.
    /// - Throws: `LanguageError` when a name is defined twice.
    init(
        file: String, definitions: [Definition], imported: [Definition] = []
    ) throws(LanguageError) {
        self.file = file
        constants = ConstantTable(imported + definitions)
        for definition in imported + definitions {
            guard bodies.updateValue(definition.body, forKey: definition.name) == nil else {
                throw LanguageError(
                    file: file, line: definition.line,
                    message: "\(definition.name) is defined twice")
            }
        }
    }

    /// - Throws: `LanguageError` when nothing of that name is defined.
    func body(of name: String) throws(LanguageError) -> Definition.Body {
        guard let body = bodies[name] else { throw error("the type \(name) is not defined") }
        return body
    }

    /// - Throws: `LanguageError` when the constant is not defined.
    func value(_ value: Declaration.Value) throws(LanguageError) -> Int64 {
        try constants.value(value, file: file)
    }

    /// How the value is written in Swift: by its name where it has one of this protocol's.
    func expression(_ value: Declaration.Value) throws(LanguageError) -> String {
        if case .constant(let name) = value, bodies[name] != nil { return name }
        return "\(try self.value(value))"
    }

    func error(_ message: String) -> LanguageError {
        LanguageError(file: file, line: 1, message: message)
    }
}

extension Schema {
    /// The fewest bytes that a value of the declared type takes.
    ///
    /// - Throws: `LanguageError` for a type that is not defined or contains itself.
    func minimumByteCount(
        of declaration: Declaration, depth: Int = 0
    ) throws(LanguageError) -> Int {
        switch declaration.shape {
        case .optional, .variable: return 4
        case .fixed(let count):
            let count = Int(try value(count))
            if declaration.type == .opaque { return (count + 3) & ~3 }
            return count * (try minimumByteCount(of: declaration.type, depth: depth))
        case .single: return try minimumByteCount(of: declaration.type, depth: depth)
        }
    }

    private func minimumByteCount(
        of type: Declaration.TypeSpecifier, depth: Int
    ) throws(LanguageError) -> Int {
        switch type {
        case .void: return 0
        case .hyper, .unsignedHyper, .double: return 8
        case .quadruple: return 16
        case .named(let name): return try minimumByteCount(ofTypeNamed: name, depth: depth + 1)
        default: return 4
        }
    }

    /// - Throws: `LanguageError` for a type that is not defined or contains itself.
    func minimumByteCount(ofTypeNamed name: String, depth: Int = 0) throws(LanguageError) -> Int {
        guard depth < 64 else { throw error("\(name) contains itself; lists are not supported") }
        switch try body(of: name) {
        case .constant: throw error("\(name) is a constant, not a type")
        case .enumeration: return 4
        case .alias(let declaration):
            return try minimumByteCount(of: declaration, depth: depth)
        case .structure(let fields):
            var sum = 0
            for field in fields { sum += try minimumByteCount(of: field, depth: depth) }
            return sum
        case .union(_, let arms):
            var least = Int.max
            for arm in arms {
                least = min(least, try minimumByteCount(of: arm.declaration, depth: depth))
            }
            return 4 + least
        }
    }
}

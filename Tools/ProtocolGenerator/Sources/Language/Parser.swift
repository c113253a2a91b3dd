/// Parses a protocol description: XDR's language (RFC 4506, section 6.3) with what rpcgen adds.
///
/// Types are defined by name; a structure within a structure is refused, and so are `program`
/// blocks, for which libvirt writes constants and an enumeration of procedures.
struct Parser {
    private let file: String
    private let tokens: [Token]
    private var index = 0

    init(file: String, text: String) throws(LanguageError) {
        self.file = file
        self.tokens = try Lexer.tokens(file: file, text: text)
    }

    /// All definitions, in their order.
    static func definitions(file: String, text: String) throws(LanguageError) -> [Definition] {
        var parser = try Parser(file: file, text: text)
        var definitions: [Definition] = []
        while parser.token.kind != .end { definitions.append(try parser.definition()) }
        return definitions
    }

    /// A single declaration, written without a semicolon.
    static func declaration(_ text: String) throws(LanguageError) -> Declaration {
        var parser = try Parser(file: text, text: text)
        let declaration = try parser.declaration()
        guard parser.token.kind == .end else { throw parser.unexpected("the end") }
        return declaration
    }

    private mutating func definition() throws(LanguageError) -> Definition {
        let line = token.line
        let comment = token.comment
        let keyword = try word("a definition")
        let named: (name: String, body: Definition.Body)
        switch keyword {
        case "const": named = try constant()
        case "typedef": named = try alias()
        case "enum": named = try enumeration()
        case "struct": named = try structure()
        case "union": named = try union()
        default:
            throw LanguageError(
                file: file, line: line,
                message: "expected const, typedef, enum, struct or union, found '\(keyword)'")
        }
        try symbol(";")
        return Definition(name: named.name, body: named.body, line: line, comment: comment)
    }

    private mutating func constant() throws(LanguageError) -> (String, Definition.Body) {
        let name = try word("a name")
        try symbol("=")
        return (name, .constant(try value()))
    }

    private mutating func alias() throws(LanguageError) -> (String, Definition.Body) {
        let declaration = try declaration()
        guard declaration.type != .void else { throw unexpected("a type other than void") }
        return (declaration.name, .alias(declaration))
    }

    private mutating func enumeration() throws(LanguageError) -> (String, Definition.Body) {
        let name = try word("a name")
        try symbol("{")
        var members: [Definition.Member] = []
        repeat {
            let comment = token.comment
            let member = try word("an enumeration's member")
            try symbol("=")
            members.append(.init(name: member, value: try value(), comment: comment))
        } while accept(",")
        try symbol("}")
        return (name, .enumeration(members))
    }

    private mutating func structure() throws(LanguageError) -> (String, Definition.Body) {
        let name = try word("a name")
        try symbol("{")
        var fields: [Declaration] = []
        repeat {
            fields.append(try declaration())
            try symbol(";")
        } while !accept("}")
        return (name, .structure(fields))
    }

    private mutating func union() throws(LanguageError) -> (String, Definition.Body) {
        let name = try word("a name")
        guard try word("'switch'") == "switch" else { throw unexpected("'switch'") }
        try symbol("(")
        let discriminant = try declaration()
        try symbol(")")
        try symbol("{")
        var arms: [Definition.Arm] = []
        repeat { arms.append(try arm()) } while !accept("}")
        return (name, .union(discriminant: discriminant, arms: arms))
    }

    private mutating func arm() throws(LanguageError) -> Definition.Arm {
        var labels: [Declaration.Value] = []
        if acceptWord("default") {
            try symbol(":")
        } else {
            repeat {
                guard acceptWord("case") else { throw unexpected("'case' or 'default'") }
                labels.append(try value())
                try symbol(":")
            } while token.kind == .word("case")
        }
        let declaration = try declaration()
        try symbol(";")
        return .init(labels: labels, declaration: declaration)
    }
}

extension Parser {
    private mutating func declaration() throws(LanguageError) -> Declaration {
        let comment = token.comment
        let type = try typeSpecifier()
        if type == .void { return Declaration(type: .void, name: "", comment: comment) }
        if accept("*") {
            try check(type, .optional)
            let name = try word("a name")
            return Declaration(type: type, name: name, shape: .optional, comment: comment)
        }
        let name = try word("a name")
        var shape = Declaration.Shape.single
        if accept("[") {
            shape = .fixed(try value())
            try symbol("]")
        } else if accept("<") {
            shape = .variable(token.kind == .symbol(">") ? nil : try value())
            try symbol(">")
        }
        try check(type, shape)
        return Declaration(type: type, name: name, shape: shape, comment: comment)
    }

    /// Refuses `string x` and `opaque x`, which say no length, and `string x[n]`.
    private func check(
        _ type: Declaration.TypeSpecifier, _ shape: Declaration.Shape
    ) throws(LanguageError) {
        switch (type, shape) {
        case (.string, .single), (.string, .fixed), (.string, .optional):
            throw unexpected("'<' after a string's name")
        case (.opaque, .single), (.opaque, .optional):
            throw unexpected("'[' or '<' after the name of opaque data")
        default: return
        }
    }

    private mutating func typeSpecifier() throws(LanguageError) -> Declaration.TypeSpecifier {
        let name = try word("a type")
        switch name {
        case "int": return .int
        case "hyper": return .hyper
        case "float": return .float
        case "double": return .double
        case "quadruple": return .quadruple
        case "bool": return .bool
        case "char": return .char
        case "short": return .short
        case "string": return .string
        case "opaque": return .opaque
        case "void": return .void
        case "unsigned": return unsignedTypeSpecifier()
        case "struct", "union", "enum":
            throw unexpected("a type's name (define the \(name) on its own)")
        default: return .named(name)
        }
    }

    /// What follows `unsigned`, which alone means `unsigned int`.
    private mutating func unsignedTypeSpecifier() -> Declaration.TypeSpecifier {
        if acceptWord("hyper") { return .unsignedHyper }
        if acceptWord("char") { return .unsignedChar }
        if acceptWord("short") { return .unsignedShort }
        _ = acceptWord("int")
        return .unsignedInt
    }

    private mutating func value() throws(LanguageError) -> Declaration.Value {
        switch token.kind {
        case .word(let name):
            index += 1
            return .constant(name)
        case .number(let text):
            guard let number = Self.number(text) else { throw unexpected("a number") }
            index += 1
            return .number(number)
        default:
            throw unexpected("a number or a constant")
        }
    }

    /// The value of a decimal, octal (`0…`) or hexadecimal (`0x…`) literal.
    static func number(_ text: String) -> Int64? {
        let isNegative = text.hasPrefix("-")
        let digits = isNegative ? text.dropFirst() : text[...]
        let magnitude: Int64? =
            if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
                Int64(digits.dropFirst(2), radix: 16)
            } else if digits.hasPrefix("0"), digits.count > 1 {
                Int64(digits, radix: 8)
            } else {
                Int64(digits)
            }
        return magnitude.map { isNegative ? -$0 : $0 }
    }
}

extension Parser {
    private var token: Token { tokens[index] }

    private func unexpected(_ expected: String) -> LanguageError {
        LanguageError(
            file: file, line: token.line, message: "expected \(expected), found \(token.kind)")
    }

    private mutating func word(_ expected: String) throws(LanguageError) -> String {
        guard case .word(let text) = token.kind else { throw unexpected(expected) }
        index += 1
        return text
    }

    private mutating func symbol(_ character: Character) throws(LanguageError) {
        guard accept(character) else { throw unexpected("'\(character)'") }
    }

    private mutating func accept(_ character: Character) -> Bool {
        guard token.kind == .symbol(character) else { return false }
        index += 1
        return true
    }

    private mutating func acceptWord(_ text: String) -> Bool {
        guard token.kind == .word(text) else { return false }
        index += 1
        return true
    }
}

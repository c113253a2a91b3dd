/// A piece of a protocol description, with the line on which it stands.
struct Token: Hashable {
    enum Kind: Hashable {
        /// A name or a keyword.
        case word(String)
        /// A number as it is written: decimal, octal or hexadecimal, perhaps negative.
        case number(String)
        /// One of `{ } [ ] < > ( ) ; , = * :`.
        case symbol(Character)
        case end
    }

    var kind: Kind
    /// Counted from 1.
    var line: Int
    /// The text of the `/** … */` comment before this token; nil where there is none.
    var comment: String?
}

extension Token.Kind: CustomStringConvertible {
    var description: String {
        switch self {
        case .word(let text), .number(let text): "'\(text)'"
        case .symbol(let character): "'\(character)'"
        case .end: "the end of the file"
        }
    }
}

/// What is wrong with a protocol description, and where.
struct LanguageError: Error, Hashable, CustomStringConvertible {
    var file: String
    var line: Int
    var message: String

    var description: String { "\(file):\(line): \(message)" }
}

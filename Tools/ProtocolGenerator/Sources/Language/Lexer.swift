/// Cuts a protocol description (RFC 4506, section 6) into tokens.
///
/// Lines that start with `%` go to the C compiler in rpcgen's dialect; they are passed over. Of the
/// comments those that start with `/**` are kept: they carry libvirt's annotations, and in our own
/// descriptions the documentation.
struct Lexer {
    private let file: String
    private var rest: Substring
    private var line = 1
    private var isAtLineStart = true
    private var comment: String?

    init(file: String, text: String) {
        self.file = file
        self.rest = text[...]
    }

    /// All tokens, with one of kind `end` after the last.
    static func tokens(file: String, text: String) throws(LanguageError) -> [Token] {
        var lexer = Lexer(file: file, text: text)
        var tokens: [Token] = []
        while true {
            let token = try lexer.next()
            tokens.append(token)
            if token.kind == .end { return tokens }
        }
    }

    private mutating func next() throws(LanguageError) -> Token {
        comment = nil
        try skipBlanksAndComments()
        let start = line
        guard let first = rest.first else {
            return Token(kind: .end, line: start, comment: comment)
        }
        isAtLineStart = false
        if first.isLetter || first == "_" {
            let word = take { $0.isLetter || $0.isNumber || $0 == "_" }
            return Token(kind: .word(word), line: start, comment: comment)
        }
        if first.isNumber || first == "-" {
            rest.removeFirst()
            let number = String(first) + take { $0.isHexDigit || $0 == "x" || $0 == "X" }
            return Token(kind: .number(number), line: start, comment: comment)
        }
        guard "{}[]<>();,=*:".contains(first) else { throw error("unexpected '\(first)'") }
        rest.removeFirst()
        return Token(kind: .symbol(first), line: start, comment: comment)
    }

    private mutating func skipBlanksAndComments() throws(LanguageError) {
        while let first = rest.first {
            if first.isNewline {
                line += 1
                isAtLineStart = true
                rest.removeFirst()
            } else if first.isWhitespace {
                rest.removeFirst()
            } else if first == "%", isAtLineStart {
                rest = rest.drop { !$0.isNewline }
            } else if rest.hasPrefix("//") {
                rest = rest.drop { !$0.isNewline }
            } else if rest.hasPrefix("/*") {
                try skipComment()
            } else {
                return
            }
        }
    }

    private mutating func skipComment() throws(LanguageError) {
        let isKept = rest.hasPrefix("/**") && !rest.hasPrefix("/**/")
        let start = line
        rest.removeFirst(2)
        var text = ""
        while !rest.hasPrefix("*/") {
            guard let character = rest.popFirst() else {
                throw LanguageError(file: file, line: start, message: "the comment has no end")
            }
            if character.isNewline { line += 1 }
            text.append(character)
        }
        rest.removeFirst(2)
        if isKept { comment = Self.withoutStars(text) }
    }

    /// The lines of a comment without the stars before them.
    private static func withoutStars(_ text: String) -> String {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.map { line in
            let start = line.drop(while: \.isWhitespace).drop { $0 == "*" }
            return String(start.first == " " ? start.dropFirst() : start)
        }.joined(separator: "\n").trimmingBlanks()
    }

    private mutating func take(while condition: (Character) -> Bool) -> String {
        let taken = rest.prefix(while: condition)
        rest.removeFirst(taken.count)
        return String(taken)
    }

    private func error(_ message: String) -> LanguageError {
        LanguageError(file: file, line: line, message: message)
    }
}

extension String {
    /// The text without white space at its ends.
    func trimmingBlanks() -> String {
        let start = drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }
}

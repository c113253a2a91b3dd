/// Names as Swift wants them.
enum SwiftNames {
    /// The identifier, in backticks where it is a keyword.
    static func escaped(_ name: String) -> String {
        keywords.contains(name) ? "`\(name)`" : name
    }

    /// `GUEST_AGENT` as `guestAgent`.
    static func lowerCamelCase(_ name: some StringProtocol) -> String {
        let words = name.split(separator: "_").map { $0.lowercased() }
        return words.enumerated().map { index, word in
            index == 0 ? word : word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
    }

    /// `DomainBlock` as `domainBlock`.
    static func lowerFirst(_ name: String) -> String {
        name.prefix(1).lowercased() + name.dropFirst()
    }

    /// `DOMAIN_BLOCK` or `domain-block` as `DomainBlock`.
    static func upperCamelCase(_ name: some StringProtocol) -> String {
        name.split { $0 == "_" || $0 == "-" }.map {
            $0.prefix(1).uppercased() + $0.dropFirst().lowercased()
        }.joined()
    }

    private static let keywords: Set<String> = [
        "as", "associatedtype", "break", "case", "catch", "class", "continue", "default", "defer",
        "deinit", "do", "else", "enum", "extension", "fallthrough", "false", "fileprivate", "for",
        "func", "guard", "if", "import", "in", "init", "inout", "internal", "is", "let", "nil",
        "operator", "precedencegroup", "private", "protocol", "public", "repeat", "rethrows",
        "return", "self", "static", "struct", "subscript", "super", "switch", "throw", "throws",
        "true", "try", "typealias", "var", "where", "while",
    ]
}

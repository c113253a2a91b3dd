/// Reads libvirt's configuration files: `name = value`, where a value is a text in quotes, a number or
/// a list of them in brackets; `#` starts a comment.
///
/// Source: `virconf.c`.
struct ConfigurationParser {
    enum Value: Hashable {
        case text(String)
        case number(Int)
        case list([String])
    }

    struct Entry {
        let name: String
        let value: Value
        let line: Int
    }

    private let file: String
    private var rest: Substring.UnicodeScalarView
    private var line = 1

    init(_ text: String, file: String) {
        self.file = file
        rest = text[...].unicodeScalars
    }

    mutating func entries() throws(ClientConfigurationError) -> [Entry] {
        var entries: [Entry] = []
        skipSpace(withLines: true)
        while !rest.isEmpty {
            let start = line
            let name = take { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_" }
            skipSpace(withLines: false)
            guard !name.isEmpty, rest.popFirst() == "=" else {
                throw error("there should be a name and =")
            }
            skipSpace(withLines: false)
            entries.append(Entry(name: name, value: try value(), line: start))
            skipSpace(withLines: false)
            guard rest.isEmpty || rest.first == "\n" else {
                throw error("there is more behind the value of \(name)")
            }
            skipSpace(withLines: true)
        }
        return entries
    }

    private mutating func value() throws(ClientConfigurationError) -> Value {
        switch rest.first {
        case "[": return .list(try list())
        case "\"", "'": return .text(try text())
        default:
            let digits = take { ("0"..."9").contains($0) || $0 == "-" }
            guard let number = Int(digits) else {
                throw error("a value is a text in quotes, a number or a list in brackets")
            }
            return .number(number)
        }
    }

    private mutating func list() throws(ClientConfigurationError) -> [String] {
        rest.removeFirst()
        var items: [String] = []
        skipSpace(withLines: true)
        while rest.first != "]" {
            switch try value() {
            case .text(let text): items.append(text)
            case .number(let number): items.append(String(number))
            case .list: throw error("a list holds no lists")
            }
            skipSpace(withLines: true)
            if rest.first == "," {
                rest.removeFirst()
                skipSpace(withLines: true)
            } else if rest.first != "]" {
                throw error("a list's items are parted by commas, and end with ]")
            }
        }
        rest.removeFirst()
        return items
    }

    /// A text in either quotes, on one line, or in three double quotes on several.
    private mutating func text() throws(ClientConfigurationError) -> String {
        let quote: [Unicode.Scalar] =
            rest.starts(with: "\"\"\"".unicodeScalars)
            ? ["\"", "\"", "\""] : Array(rest.prefix(1))
        rest.removeFirst(quote.count)
        var text = String.UnicodeScalarView()
        while !rest.starts(with: quote) {
            guard let next = rest.popFirst(), next != "\n" || quote.count == 3 else {
                throw error("a text does not end")
            }
            if next == "\n" { line += 1 }
            // What a double quote follows is the quote itself.
            if next == "\\", quote == ["\""], rest.first == "\"" {
                text.append(rest.removeFirst())
            } else {
                text.append(next)
            }
        }
        rest.removeFirst(quote.count)
        return String(text)
    }

    private mutating func take(while isMeant: (Unicode.Scalar) -> Bool) -> String {
        let start = rest.prefix(while: isMeant)
        rest = rest[start.endIndex...]
        return String(String.UnicodeScalarView(start))
    }

    private mutating func skipSpace(withLines: Bool) {
        while let next = rest.first {
            switch next {
            case " ", "\t", "\r": rest.removeFirst()
            case "\n" where withLines:
                line += 1
                rest.removeFirst()
            case "#": rest = rest.drop { $0 != "\n" }
            default: return
            }
        }
    }

    private func error(_ problem: String) -> ClientConfigurationError {
        ClientConfigurationError(file: file, line: line, problem: problem)
    }
}

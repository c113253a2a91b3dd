/// A file of generated Swift.
struct GeneratedFile: Hashable {
    /// The path within the module's folder.
    var path: String
    var text: String
}

/// Lines of Swift, put together.
struct SourceText {
    private(set) var lines: [String] = []

    init() {}

    init(_ lines: [String]) { self.lines = lines }

    mutating func line(_ text: String = "", indent: Int = 0) {
        lines.append(text.isEmpty ? "" : String(repeating: " ", count: 4 * indent) + text)
    }

    /// A documentation comment, with its lines broken at 100 columns.
    mutating func doc(_ text: String, indent: Int = 0) {
        for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
            var current = "///"
            for word in paragraph.split(separator: " ") {
                if current.count + 1 + word.count > 100 - 4 * indent {
                    line(current, indent: indent)
                    current = "///"
                }
                current += " " + word
            }
            line(current, indent: indent)
        }
    }

    mutating func append(_ other: SourceText) { lines += other.lines }

    /// A call or declaration: on one line where it fits, else one argument to a line.
    mutating func call(
        _ opening: String, _ arguments: [String], _ closing: String, indent: Int = 0
    ) {
        let text = opening + arguments.joined(separator: ", ") + closing
        if text.count + 4 * indent <= 100 {
            line(text, indent: indent)
            return
        }
        line(opening, indent: indent)
        for (index, argument) in arguments.enumerated() {
            line(argument + (index == arguments.count - 1 ? "" : ","), indent: indent + 1)
        }
        line(closing, indent: indent)
    }

    /// A list of short items, as many to a line as fit.
    mutating func list(
        _ opening: String, _ items: [String], _ closing: String, indent: Int = 0
    ) {
        let text = opening + items.joined(separator: ", ") + closing
        if text.count + 4 * indent <= 100 {
            line(text, indent: indent)
            return
        }
        line(opening, indent: indent)
        var current = ""
        for item in items {
            if current.count + 2 + item.count > 100 - 4 * (indent + 1) {
                line(current, indent: indent + 1)
                current = ""
            }
            current += (current.isEmpty ? "" : " ") + item + ","
        }
        line(current, indent: indent + 1)
        line(closing, indent: indent)
    }

    var text: String { lines.joined(separator: "\n") + "\n" }
}

/// Puts declarations into files of a size that can be read.
enum Chunks {
    static let lineLimit = 380

    /// Files `name.swift`, `name2.swift`, …, each with the header and as many blocks as fit.
    static func files(
        named name: String, header: SourceText, blocks: [SourceText]
    ) -> [GeneratedFile] {
        var files: [GeneratedFile] = []
        var current = header
        func close() {
            guard current.lines.count > header.lines.count else { return }
            let number = files.isEmpty ? "" : "\(files.count + 1)"
            files.append(GeneratedFile(path: "\(name)\(number).swift", text: current.text))
            current = header
        }
        for block in blocks {
            if current.lines.count + 1 + block.lines.count > lineLimit { close() }
            current.line()
            current.append(block)
        }
        close()
        return files
    }
}

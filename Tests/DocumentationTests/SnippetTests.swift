import Foundation
import Testing

/// The Swift in the articles and in the README is what is compiled and run here: neither can change alone.
@Suite("Snippets")
struct SnippetTests {
    static let root: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url.path
    }()

    /// A piece of Swift, and where it stands.
    struct Snippet: CustomStringConvertible {
        let place: String
        let lines: [Substring]

        /// Its lines without the indentation that they share.
        init(_ place: String, _ lines: [Substring]) {
            self.place = place
            let indent = lines.filter { !$0.isEmpty }.map { $0.prefix { $0 == " " }.count }.min()
            self.lines = lines.map { $0.dropFirst(indent ?? 0) }
        }

        var description: String { "\(place):\n\(lines.joined(separator: "\n"))" }
    }

    /// The files under a folder of the project with an ending.
    static func files(_ ending: String, under folder: String) -> [String] {
        let paths = FileManager.default.enumerator(atPath: "\(root)/\(folder)")
        return (paths?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(ending) }
            .map { "\(folder)/\($0)" }.sorted()
    }

    /// What stands in a file between two lines, for each pair of them.
    static func snippets(in path: String, from first: String, to last: String) throws -> [Snippet] {
        let text = try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var snippets: [Snippet] = []
        var start: Int?
        for (index, line) in lines.enumerated() {
            let words = line.drop { $0 == " " }
            if words == first {
                start = index + 1
            } else if words == last, let begin = start {
                snippets.append(Snippet("\(path):\(begin)", Array(lines[begin..<index])))
                start = nil
            }
        }
        return snippets
    }

    static func articles() -> [String] {
        files(".md", under: "Sources").filter { $0.contains(".docc/") } + ["README.md"]
    }

    @Test("every piece of Swift in an article is one that is compiled, and the other way round")
    func same() throws {
        let written = try Self.articles().flatMap {
            try Self.snippets(in: $0, from: "```swift", to: "```")
        }
        let compiled = try Self.files(".swift", under: "Tests/DocumentationTests/Snippets").flatMap
        {
            try Self.snippets(in: $0, from: "// snippet", to: "// end")
        }
        #expect(written.count > 20)
        for snippet in written where !compiled.contains(where: { $0.lines == snippet.lines }) {
            Issue.record("not compiled: \(snippet)")
        }
        for snippet in compiled where !written.contains(where: { $0.lines == snippet.lines }) {
            Issue.record("in no article: \(snippet)")
        }
    }

    @Test("the plan in the article on connecting is the one that is made")
    func plan() async throws {
        let printed = Printed()
        try Printed.$current.withValue(printed) { try ConnectingSnippets.explain() }
        let text = try String(
            contentsOfFile: "\(Self.root)/Sources/Libvirt/Libvirt.docc/ReachingDaemons.md",
            encoding: .utf8)
        #expect(text.contains("```\n\(printed.text)\n```"), "\(printed.text)")
    }
}

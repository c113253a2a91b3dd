import Testing

@Suite("Size")
struct SizeTests {
    static let longestFile = 400
    static let longestFunction = 70

    @Test("no file is too long to be read at once")
    func files() {
        let long = Repository.handWritten.filter { $0.lines.count - 1 > Self.longestFile }
        #expect(long.map(\.path) == [])
    }

    @Test("every function fits a screen")
    func functions() {
        let long = Repository.handWritten.flatMap(\.functions).filter {
            $0.lineCount > Self.longestFunction
        }
        #expect(long.map { "\($0.place): \($0.lineCount) lines" } == [])
    }

    @Test("the measure of a function sees what it should")
    func measure() throws {
        let file = try #require(TextFile(path: "Tests/HouseRulesTests/SizeTests.swift"))
        let own = try #require(file.functions.first { $0.place.hasSuffix(":9") })
        #expect(own.lineCount == 4)
    }
}

extension TextFile {
    /// The functions with bodies of several lines. The formatter's layout is relied upon: a body
    /// ends at the first closing brace that stands under the declaration's first letter.
    var functions: [(place: String, lineCount: Int)] {
        lines.indices.compactMap { start in
            let line = lines[start]
            guard line.firstMatch(of: #/^ *([@\w()]+ +)*(func |init[(?<]|deinit )/#) != nil else {
                return nil
            }
            let indent = line.prefix { $0 == " " }
            guard let opening = bodyOpening(from: start, indent: indent) else { return nil }
            let rest = lines[opening...]
            guard let end = rest.firstIndex(where: { $0 == indent + "}" }) else { return nil }
            return ("\(path):\(start + 1)", end - start + 1)
        }
    }

    /// The line that opens the body: the declaration's first, or one that continues it.
    private func bodyOpening(from start: Int, indent: Substring) -> Int? {
        for index in lines.indices[start...] {
            let line = lines[index]
            let isContinuation =
                index == start || line.hasPrefix(indent + " ") || line.hasPrefix(indent + ")")
            guard isContinuation else { return nil }
            if line.hasSuffix("{") { return index }
            if line.hasSuffix("}") { return nil }
        }
        return nil
    }
}

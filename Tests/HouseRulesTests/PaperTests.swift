import Foundation
import Testing

@Suite("Papers")
struct PaperTests {
    @Test("no file names a place on somebody's machine")
    func machines() {
        let place = #/(^|[^\w.\/])\/(root|work|Users)\//#
        let files = Repository.files.filter { file in
            file.lines.contains { $0.firstMatch(of: place) != nil }
        }
        #expect(files.map(\.path) == [])
    }

    @Test("the README names every library, and every tool that it names is there")
    func readme() throws {
        let text = try Repository.text(of: "README.md")
        for room in FloorTests.floors.joined() where !room.hasPrefix("C") {
            #expect(text.contains("`\(room)`"), "\(room)")
        }
        let tools = Set(text.matches(of: #/Tools\/\w+/#).map { String($0.output) })
        #expect(tools.isSuperset(of: ["Tools/demo", "Tools/test", "Tools/bench", "Tools/setup"]))
        for tool in tools {
            #expect(FileManager.default.fileExists(atPath: Repository.root + "/" + tool), "\(tool)")
        }
    }

    @Test("the first command comes on the README's first screen")
    func firstCommand() throws {
        let lines = try Repository.text(of: "README.md").split(
            separator: "\n", omittingEmptySubsequences: false)
        let first = try #require(lines.firstIndex { $0.hasPrefix("```") || $0.hasPrefix("    ") })
        #expect(first < 40)
    }

    @Test("libvirt's own protocol files stay out")
    func foreignFiles() {
        let files = Repository.files.filter {
            $0.path.hasSuffix(".x") && !$0.path.contains("virtwire")
        }
        #expect(files.map(\.path) == [])
    }
}

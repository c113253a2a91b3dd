import Foundation
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

@Suite("The written schema")
struct SchemaTests {
    /// The schema's file, in the sources.
    private static var schema: String {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
            + "/Sources/MemifController/Documentation.docc/Resources/memif-ports.rng"
    }

    /// What xmllint says of each declaration.
    private func validate(_ declarations: [String]) async throws -> [Bool] {
        let scratch = try Scratch()
        var files: [String] = []
        for (index, declaration) in declarations.enumerated() {
            let file = "\(scratch.path)/\(index).xml"
            let text = "<ports xmlns='\(DomainDocument.namespace)'>\(declaration)</ports>"
            try File.replace(file, with: Array(text.utf8))
            files.append(file)
        }
        let child = try await ChildProcess(
            ["xmllint", "--noout", "--relaxng", Self.schema] + files)
        let status = await child.waitForEnd()
        // 0: all are valid; 3 (in the high byte): some are not. Anything else is a broken schema.
        try #require(status == 0 || status == 3 << 8, "\(child.output)")
        return files.map { child.output.contains("\($0) validates") }
    }

    @Test("it refuses what the reader refuses")
    func breaches() async throws {
        // That an hour is the most is beyond a pattern.
        let breaches = MetadataTests.breaches.filter { $0.0 != "name='a' linger='61m'" }
        let verdicts = try await validate(breaches.map { "<port \($0.0)/>" })
        for (breach, isValid) in zip(breaches, verdicts) { #expect(!isValid, "\(breach)") }
    }

    @Test("it takes what the reader takes, and what the writer writes")
    func valid() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var declarations = [
            "", "<port name='a'/><port name='b'/>", "<port name='a' attach='none'/>",
        ]
        for _ in 0..<200 {
            let attributes = MetadataTests.anyPort(&random).attributes
            let text = attributes.map { "\($0.key)='\($0.value)'" }.joined(separator: " ")
            declarations.append("<port \(text)/>")
        }
        let verdicts = try await validate(declarations)
        for (declaration, isValid) in zip(declarations, verdicts) {
            #expect(isValid, "\(declaration), seed \(seed)")
        }
    }

    @Test("it knows no attribute that the reader does not, and warns where the reader warns")
    func unknown() async throws {
        #expect(try await validate(["<port name='a' queue='1'/>", "<wire/>"]) == [false, false])
        let text = try String(contentsOfFile: Self.schema, encoding: .utf8)
        let named = Set(text.matches(of: #/<attribute name="([a-z-]+)"/#).map { String($0.1) })
        #expect(named == Set(PortAttribute.allCases.map(\.rawValue)))
    }
}

import Foundation
import Testing

/// Replays what the fuzzer found, and tries inputs near it.
@Suite("Fuzz targets")
struct CorpusTests {
    @Test("every kept case is read as it should be", arguments: FuzzTarget.all.map(\.name))
    func replay(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let cases = try Corpus.cases(of: name)
        #expect(!cases.isEmpty)
        for (file, input) in cases {
            #expect(throws: Never.self, "\(name)/\(file)") { try target.run(input) }
        }
    }

    @Test("cases that were changed at random are, too", arguments: FuzzTarget.all.map(\.name))
    func mutate(_ name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        var random = SeededGenerator("mutate \(name)")
        let inputs = try Corpus.cases(of: name).map(\.input).filter { $0.count <= 4096 }
        for _ in 0..<100 {
            let input = inputs.randomElement(using: &random)?.mutated(using: &random) ?? []
            #expect(throws: Never.self, "seed \(random.seed), input \(input)") {
                try target.run(input)
            }
        }
    }

    @Test("the fuzzer's own package is made of these targets")
    func package() throws {
        let link = Corpus.project.appending(path: "Tools/Fuzz/Sources/FuzzTargets")
        let target = Corpus.project.appending(path: "Tests/FuzzTests/Targets")
        #expect(link.resolvingSymlinksInPath().path == target.resolvingSymlinksInPath().path)
    }

    @Test("no folder of cases is without a target")
    func folders() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Corpus.folder.path)
        #expect(Set(folders) == Set(FuzzTarget.all.map(\.name)))
    }
}

/// The cases that are kept.
enum Corpus {
    static let project: URL = {
        var url = URL(filePath: #filePath)
        for _ in 0..<3 { url.deleteLastPathComponent() }
        return url
    }()

    static let folder = project.appending(path: "Tests/FuzzTests/Corpus")

    /// A target's cases, by the names of their files.
    static func cases(of target: String) throws -> [(file: String, input: [UInt8])] {
        let folder = folder.appending(path: target)
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try files.map { file in
            (file, Array(try Data(contentsOf: folder.appending(path: file))))
        }
    }
}

extension [UInt8] {
    /// The same with a few changes: bytes that differ, are gone, are there twice, or are great counts.
    fileprivate func mutated(using random: inout SeededGenerator) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard !bytes.isEmpty else { return [.random(in: 0...255, using: &random)] }
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let end = Swift.min(bytes.count, place + Int.random(in: 1...16, using: &random))
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = .random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            case 2: bytes.removeSubrange(place..<end)
            case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
            default:
                for index in place..<end { bytes[index] = Bool.random(using: &random) ? 0xFF : 0 }
            }
        }
        return bytes
    }
}

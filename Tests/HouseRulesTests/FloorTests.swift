import Testing

@Suite("Floors")
struct FloorTests {
    /// The rooms from the ground up. A room imports only from lower floors.
    static let floors: [[String]] = [
        ["CCyrusSASL", "CLinuxIO", "XDR"],
        ["LinuxIO", "LibvirtProtocol", "VirtwireProtocol"],
        ["LibvirtRPC", "Memif"],
        ["Libvirt", "LibvirtTesting", "MemifTesting"],
        ["MemifController"],
        ["virtwire", "virtwired"],
    ]

    static let floor = Dictionary(
        uniqueKeysWithValues: floors.enumerated().flatMap { number, rooms in
            rooms.map { ($0, number) }
        })

    /// What a room may have from outside the house. Libraries stay free of what programs need.
    static let foreign: [String: Set<String>] = [
        "Libvirt": ["Crypto"],
        "LibvirtRPC": ["NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "SwiftASN1"],
        "MemifController": ["Foundation", "FoundationEssentials", "FoundationXML", "Logging"],
        "virtwire": [
            "ArgumentParser", "Foundation", "FoundationEssentials", "FoundationXML",
        ],
        "virtwired": [
            "ArgumentParser", "Configuration", "Foundation", "FoundationEssentials", "Logging",
            "NIOCore", "NIOHTTP1", "NIOPosix", "Yams",
        ],
    ]

    struct Import {
        let room: String
        let module: String
        let path: String
    }

    static let imports: [Import] = Repository.swiftFiles.flatMap { file -> [Import] in
        let folders = file.path.split(separator: "/")
        guard folders.count > 2, folders[0] == "Sources" else { return [] }
        return file.lines.filter { $0.contains("import ") }.compactMap { line in
            guard let match = line.firstMatch(of: #/^[@a-z() ]*\bimport (?:\w+ )?(\w+)/#) else {
                return nil
            }
            return Import(
                room: String(folders[1]), module: String(match.1), path: file.path)
        }
    }

    @Test("every room has its floor")
    func known() {
        let rooms = Repository.files.compactMap { file -> String? in
            let folders = file.path.split(separator: "/")
            return folders.count > 2 && folders[0] == "Sources" ? String(folders[1]) : nil
        }
        #expect(Set(rooms) == Set(Self.floor.keys))
    }

    @Test("a room imports from lower floors only")
    func order() {
        #expect(Self.imports.contains { $0.module == "XDR" })
        let wrong = Self.imports.filter { use in
            guard let from = Self.floor[use.room], let to = Self.floor[use.module] else {
                return false
            }
            return to >= from
        }
        #expect(wrong.map { "\($0.path) imports \($0.module)" } == [])
    }

    @Test("a library imports nothing foreign but what it is allowed")
    func independence() {
        let system: Set<String> = ["Glibc", "Synchronization", "Swift"]
        let wrong = Self.imports.filter { use in
            Self.floor[use.module] == nil && !system.contains(use.module)
                && Self.foreign[use.room]?.contains(use.module) != true
        }
        #expect(wrong.map { "\($0.path) imports \($0.module)" } == [])
    }
}

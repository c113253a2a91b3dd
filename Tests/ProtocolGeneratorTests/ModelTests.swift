import Foundation
import Testing

@testable import ProtocolGenerator

/// The package's own folders.
let directories: Directories = {
    var url = URL(filePath: #filePath)
    for _ in 0..<3 { url.deleteLastPathComponent() }
    return Directories(package: url.path)
}()

@Suite("The model")
struct ModelTests {
    @Test("it has every procedure of libvirt 11.3.0, numbered without a gap")
    func procedures() throws {
        let counts = [
            "remote": 453, "qemu": 7, "lxc": 1, "admin": 20, "lock": 8, "log": 4, "keepalive": 2,
        ]
        for (name, count) in counts {
            let procedures = try directories.model.protocolModel(name).procedures
            #expect(procedures.map(\.number) == (1...Int32(count)).map { $0 }, "\(name)")
        }
    }

    @Test("every structure that a procedure names is there, and every structure is used")
    func structures() throws {
        for source in ProtocolSource.all {
            let model = try directories.model.protocolModel(source.name)
            let names = Set(model.structures.map(\.name))
            let used = Set(
                model.procedures.flatMap { [$0.arguments, $0.result] }.compactMap { $0 })
            #expect(used.isSubset(of: names), "\(source.name)")
            let messages = names.filter { name in
                ["_args", "_ret", "_msg", "Args", "Ret"].contains { name.hasSuffix($0) }
            }
            #expect(messages.subtracting(used) == [], "\(source.name)")
        }
    }

    @Test("streams and descriptors go where they were seen to go")
    func overrides() throws {
        let remote = try directories.model.protocolModel("remote").procedures
        let streams = Dictionary(
            uniqueKeysWithValues: remote.compactMap { procedure in
                procedure.stream.map { (procedure.number, $0) }
            })
        #expect(
            streams == [
                148: .write, 201: .duplex, 208: .write, 209: .read, 211: .read, 215: .write,
                296: .duplex, 304: .write,
            ])
        let descriptors = Dictionary(
            uniqueKeysWithValues: remote.compactMap { procedure in
                procedure.descriptors.map { (procedure.number, $0) }
            })
        #expect(
            descriptors == [249: .send, 309: .send, 310: .send, 343: .receive, 443: .send])
        let qemu = try directories.model.protocolModel("qemu").procedures
        #expect(qemu.filter { $0.descriptors == .both }.map(\.number) == [7])
        let lxc = try directories.model.protocolModel("lxc").procedures
        #expect(lxc.map(\.descriptors) == [.receive])
    }

    @Test("overrides name procedures and enumerations that exist")
    func overridesExist() throws {
        let names = [
            Overrides.streams.mapValues { Set($0.keys) },
            Overrides.descriptors.mapValues { Set($0.keys) },
            Overrides.functions.mapValues { Set($0.keys) },
        ]
        for (model, procedures) in names.flatMap({ $0 }) {
            let known = Set(try directories.model.protocolModel(model).procedures.map(\.name))
            #expect(procedures.isSubset(of: known))
        }
        let api = try directories.model.apiModel()
        let known = Set(api.enumerations.map(\.name))
        #expect(Overrides.flags.isSubset(of: known))
        #expect(Set(Overrides.memberPrefixes.keys).isSubset(of: known))
    }

    @Test("the enumerations have no sentinels, and their Swift names are distinct")
    func enumerations() throws {
        let enumerations = try directories.model.apiModel().enumerations
        #expect(enumerations.count == 178)
        for enumeration in enumerations {
            let sentinels = enumeration.members.filter {
                $0.name.hasSuffix("_LAST") && $0.name != "VIR_NETWORK_UPDATE_COMMAND_ADD_LAST"
            }
            #expect(sentinels.isEmpty, "\(enumeration.name)")
            let names = MemberNames(enumeration)
            let swiftNames = enumeration.members.map { names.swiftName(of: $0.name) }
            #expect(Set(swiftNames).count == swiftNames.count, "\(enumeration.name)")
            #expect(swiftNames.allSatisfy { !$0.isEmpty && $0 != "_" }, "\(enumeration.name)")
            #expect(enumeration.members.allSatisfy { $0.since != nil }, "\(enumeration.name)")
            if enumeration.isFlags {
                let bits = enumeration.members.allSatisfy {
                    (0...Int64(UInt32.max)).contains($0.value)
                }
                #expect(bits, "\(enumeration.name)")
            }
        }
    }

    @Test("the generated modules are what the model gives")
    func generated() throws {
        #expect(try Generator(directories: directories).complaints() == [])
    }

    @Test("generated files can be read at once, and say that they are generated")
    func files() throws {
        for (path, files) in try Generator(directories: directories).folders() {
            for file in files {
                let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines[0].hasPrefix("// Generated by ProtocolGenerator from"), "\(path)")
                let isSource = path.hasPrefix("Sources/")
                #expect(!isSource || lines.count <= 400, "\(file.path): \(lines.count)")
            }
        }
    }

    @Test("a changed file and a file too many are told")
    func differences() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "differences-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in ["same": "1", "other": "2", "extra": "3"] {
            let file = folder.appending(path: "\(name).swift")
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        let files = ["same", "other", "missing"].map {
            GeneratedFile(path: "\($0).swift", text: "1")
        }
        let differences = try Differences(files: files, in: folder)
        #expect(differences.changed == ["other.swift", "missing.swift"])
        #expect(differences.superfluous == ["extra.swift"])
    }
}

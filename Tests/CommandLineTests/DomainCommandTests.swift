import Foundation
import LibvirtTesting
import Testing

@Suite("domain, events and status on a real libvirtd", .serialized, .timeLimit(.minutes(3)))
struct DomainCommandTests {
    static let uuid = "4c0f3ef2-7d6c-4b61-9c54-3a5b8e0a1d01"
    static let xml = """
        <domain type='test'>
          <name>cli</name><uuid>\(uuid)</uuid>
          <metadata>
            <m:ports xmlns:m='https://virtwire.dev/xmlns/memif/1'><m:port name='lan0'/></m:ports>
          </metadata>
          <memory>65536</memory><os><type>hvm</type></os>
        </domain>
        """

    struct Event: Decodable {
        let kind: String
        let domain: String
        let uuid: String
        let data: [String: String]
    }

    struct Listed: Decodable {
        let name: String
        let state: String
    }

    struct Port: Decodable {
        let vm: String
        let uuid: String
        let port: String
        let socket: String
        let mode: String
        let link: String
    }

    /// Starts a libvirtd in a directory of its own, lends its URI, and takes both away.
    func withLibvirtd(
        _ body: (_ uri: String, _ directory: String) async throws -> Void
    ) async throws {
        let directory = "/tmp/vwcli-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try FileManager.default.createDirectory(
            atPath: directory + "/libvirt", withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let libvirtd = try await TestLibvirtd.start(in: directory + "/libvirt")
        do {
            try await body(libvirtd.uri(), directory)
        } catch {
            await libvirtd.stop()
            throw error
        }
        await libvirtd.stop()
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    @Test("a domain's life, told by one virtwire and watched by another")
    func life() async throws {
        try await withLibvirtd { uri, _ in
            let watcher = try ProgramRun(
                "virtwire", ["events", "-c", uri, "--domain", "cli", "--count", "4"])
            #expect(await watcher.nextLine()?.hasPrefix("TIME") == true)
            let json = try ProgramRun(
                "virtwire",
                ["events", "-c", uri, "--format", "json", "--kind", "all", "--timeout", "60"])

            let defined = try await ProgramRun.run(
                "virtwire", "-c", uri, "domain", "define", "-", input: Self.xml)
            #expect(defined.status == 0, "\(defined.errors)")
            #expect(defined.output == Self.uuid + "\n")
            for verb in ["start", "show", "destroy", "undefine"] {
                let run = try await ProgramRun.run("virtwire", "domain", verb, Self.uuid, "-c", uri)
                #expect(run.status == 0, "\(verb): \(run.errors)")
            }
            let watched = await watcher.ended()
            #expect(watched.status == 0, "\(watched.errors)")
            let words = watched.output.split(separator: "\n").map {
                String($0.split(separator: "  ").last ?? "")
            }
            #expect(
                words == [
                    "defined added", "started booted", "stopped destroyed", "undefined removed",
                ])

            json.signal(SIGTERM)
            let told = await json.ended()
            #expect(told.status == 0, "\(told.errors)")
            for line in told.output.split(separator: "\n") {
                let event = try decode(Event.self, String(line))
                #expect(event.uuid == Self.uuid)
                #expect(event.data["event"] != nil)
            }
        }
    }

    @Test("what is there is listed, and what is not there ends with 3")
    func listing() async throws {
        try await withLibvirtd { uri, _ in
            let list = try await ProgramRun.run(
                "virtwire", "domain", "list", "-c", uri, "--format", "json")
            let listed = try decode([Listed].self, list.output)
            #expect(listed.map(\.name) == ["test"])
            #expect(listed.map(\.state) == ["running"])
            let xml = try await ProgramRun.run("virtwire", "domain", "xml", "test", "-c", uri)
            #expect(xml.output.contains("<name>test</name>"))
            for name in ["nobody", Self.uuid] {
                let run = try await ProgramRun.run("virtwire", "domain", "xml", name, "-c", uri)
                #expect(run.status == 3)
                #expect(run.errors.contains("'\(name)'"))
            }
            let events = try await ProgramRun.run(
                "virtwire", "events", "-c", uri, "--count", "1", "--timeout", "0.2")
            #expect(events.status == 124)
        }
    }

    @Test("the daemon's ports, as it tells them")
    func status() async throws {
        try await withLibvirtd { uri, directory in
            let runtime = directory + "/run"
            let daemon = try ProgramRun(
                "virtwired",
                [
                    "--connect", uri, "--runtime-directory", runtime, "--state-directory",
                    directory + "/state",
                ])
            // Holds the test driver's state, which goes with its last connection.
            let holder = try ProgramRun("virtwire", ["events", "-c", uri])
            #expect(await holder.nextLine() != nil)
            _ = try await ProgramRun.run(
                "virtwire", "-c", uri, "domain", "define", "-", input: Self.xml)
            var ports: [Port] = []
            while ports.isEmpty && !Task.isCancelled {
                let run = try await ProgramRun.run(
                    "virtwire", "memif", "status", "cli", "--format", "json",
                    "--runtime-directory", runtime)
                if run.status == 0 { ports = try decode([Port].self, run.output) }
            }
            let port = try #require(ports.first)
            #expect(port.uuid == Self.uuid)
            #expect(port.port == "lan0")
            #expect(port.socket == "\(runtime)/vm/\(Self.uuid)/lan0.sock")
            #expect(port.mode == "0660")
            #expect(port.link == "down")
            #expect(FileManager.default.fileExists(atPath: port.socket))
            let table = try await ProgramRun.run(
                "virtwire", "status", "--runtime-directory", runtime)
            #expect(table.output.contains("connected to \(uri)"))
            #expect(table.output.contains("lan0.sock"))
            let nobody = try await ProgramRun.run(
                "virtwire", "memif", "status", "nobody", "--runtime-directory", runtime)
            #expect(nobody.status == 3)
            daemon.signal(SIGTERM)
            #expect(await daemon.ended().status == 0)
            holder.signal(SIGTERM)
            _ = await holder.ended()
        }
    }
}

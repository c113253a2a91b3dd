import Foundation
import LibvirtRPC
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwire support-bundle", .serialized, .timeLimit(.minutes(4)))
struct SupportBundleTests {
    private static let virtwire = String(DaemonProcess.program.dropLast())
    private static let parts = [
        "host", "settings", "status", "statistics", "plan", "metrics", "libvirt", "doctor",
        "audit", "log",
    ]

    /// The file's parts by name.
    private static func read(_ path: String) throws -> [String: [String: Any]] {
        let text = String(decoding: try File.read(path, limit: 1 << 24), as: UTF8.self)
        var parts: [String: [String: Any]] = [:]
        for line in text.split(separator: "\n") {
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let part = try #require(object as? [String: Any])
            parts[try #require(part["part"] as? String)] = part
        }
        return parts
    }

    private func make(
        _ path: String, _ scratch: Scratch, under wrapper: [String] = []
    ) async throws -> (status: Int32?, output: String) {
        try await DaemonProcess.run(
            wrapper + [
                Self.virtwire, "support-bundle", "--output", path, "--runtime-directory",
                "\(scratch.path)/run", "-c", PrivateLibvirtd.uri(in: scratch),
            ])
    }

    @Test(
        "it has every part, for its owner alone, without a secret; and takes no other file's place")
    func whole() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let (secrets, audit) = ("\(scratch.path)/secrets", "\(scratch.path)/audit.log")
        try Directory.ensure(secrets, mode: 0o700)
        try File.replace("\(secrets)/tenants", with: Array("do not tell".utf8))
        let file = "\(scratch.path)/d.yaml"
        try File.replace(
            file, with: Array("audit-log: \(audit)\nsecrets-directory: \(secrets)".utf8))
        let daemon = try await DaemonProcess(in: scratch, ["--config", file])
        _ = try await libvirtd.define(
            "<memif:port name='a' secret-ref='tenants'/>", name: "web")
        #expect(await eventually { await daemon.port("a")?.state.text == "Waiting" })

        let path = "\(scratch.path)/bundle.jsonl"
        let (status, output) = try await make(path, scratch)
        #expect(status == 0, "\(output)")
        #expect(output.contains(path))
        #expect(try FileStatus(path: path).permissions == 0o600)
        let parts = try Self.read(path)
        #expect(Set(parts.keys) == Set(Self.parts))
        // The tests read the daemon's standard error: it is no file.
        let missing = parts.values.filter { $0["missing"] != nil }.map { $0["part"] as? String }
        #expect(missing == ["log"], "\(output)")
        let settings = try #require(parts["settings"]?["content"] as? [[String: String]])
        #expect(settings.contains { $0["name"] == "audit-log" && $0["value"] == audit })
        #expect(settings.contains { $0["name"] == "connect" && $0["origin"] == "--connect" })
        let lines = (parts["audit"]?["content"] as? [String: Any])?["lines"] as? [String]
        #expect(lines?.contains { $0.contains("port-opened") } == true)
        let domains = (parts["libvirt"]?["content"] as? [String: Any])?["domains"]
        #expect((domains as? [[String: Any]])?.contains { $0["name"] as? String == "web" } == true)
        let metrics = parts["metrics"]?["content"] as? [String]
        #expect(metrics?.contains("virtwired_libvirt_connected 1") == true)
        let bytes = try File.read(path, limit: 1 << 24)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains("do not tell") && !text.contains("<memif"))

        let again = try await make(path, scratch)
        #expect(again.status == 1)
        #expect(again.output.contains("--output"), "\(again.output)")
        #expect(try File.read(path, limit: 1 << 24) == bytes)
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("the settings of a daemon that runs are those that it goes by, read again or not")
    func settings() async throws {
        let scratch = try Scratch()
        let file = "\(scratch.path)/d.yaml"
        func write(_ text: String) throws { try File.replace(file, with: Array(text.utf8)) }
        try write("policy: {default: {ports: 1}}\nresync-interval: 7m")
        let daemon = try await DaemonProcess(in: scratch, ["--config", file])
        let link = try ControlHarness.connect(daemon.layout.controlSocket)
        func setting(_ name: String) async throws -> [String]? {
            try await link.call(Virtwire.SETTINGS, XDRVoid()).settings.first {
                $0.name.text == name
            }.map { [$0.value.text, $0.origin.text] }
        }
        let place = "\(file): policy.default.ports"
        #expect(try await setting("policy.default.ports") == ["1", place])
        #expect(try await setting("resync-interval") == ["7m", "\(file): resync-interval"])

        try write("policy: {default: {ports: 2}}\nresync-interval: 8m")
        daemon.process.signal(1)
        #expect(
            await eventually {
                (try? await setting("policy.default.ports")) == ["2", place]
            })
        #expect(try await setting("resync-interval") == ["7m", "\(file): resync-interval"])
        #expect(try await setting("log-level") == ["info", "default"])
        _ = try await link.call(Virtwire.LOG_LEVEL, virtwire_log_level_args(level: "debug"))
        #expect(try await setting("log-level") == ["debug", "virtwire log-level"])
        let told = try await DaemonProcess.run([
            Self.virtwire, "settings", "--format", "json", "--runtime-directory",
            "\(scratch.path)/run",
        ])
        #expect(told.status == 0)
        #expect(
            try JSONDecoder().decode([[String: String]].self, from: Data(told.output.utf8))
                .contains([
                    "name": "policy.default.ports", "value": "2", "origin": place,
                ]), "\(told.output)")
        let metrics = try await link.call(Virtwire.METRICS, XDRVoid()).text.text
        #expect(metrics.contains("virtwired_config_reload_success 1\n"))
        link.close()

        let asking = try ControlHarness.connect(daemon.layout.readOnlyControlSocket)
        await #expect(throws: (any Error).self) {
            _ = try await asking.call(Virtwire.SETTINGS, XDRVoid())
        }
        asking.close()
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("without a daemon and a libvirt each part that is missing says why, and it succeeds")
    func nothingThere() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/bundle.jsonl"
        let (status, output) = try await make(path, scratch)
        #expect(status == 0, "\(output)")
        let parts = try Self.read(path)
        #expect(Set(parts.keys) == Set(Self.parts))
        for part in ["settings", "status", "statistics", "plan", "metrics", "audit", "log"] {
            let reason = try #require(parts[part]?["missing"] as? String)
            #expect(!reason.isEmpty)
            #expect(output.contains("not in it: \(part): "), "\(output)")
        }
        let libvirt = parts["libvirt"]?["content"] as? [String: Any]
        #expect((libvirt?["error"] as? String)?.isEmpty == false)
    }

    @Test("what is no administrator's to ask is missing, and the rest is there")
    func stranger() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let daemon = try await DaemonProcess(in: scratch)
        let place = "\(scratch.path)/others"
        try Directory.ensure(place, mode: 0o1777)
        let path = "\(place)/bundle.jsonl"
        let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        let (status, output) = try await make(path, scratch, under: nobody)
        #expect(status == 0, "\(output)")
        let parts = try Self.read(path)
        #expect(parts["settings"]?["missing"] != nil)
        #expect(parts["status"]?["content"] != nil && parts["metrics"]?["content"] != nil)
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("of one that there is no room for nothing is left")
    func noRoom() async throws {
        let scratch = try Scratch()
        let place = "\(scratch.path)/full"
        try Directory.ensure(place, mode: 0o755)
        // As on a disk that is full in the middle of a file.
        let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]
        let (status, output) = try await make("\(place)/bundle.jsonl", scratch, under: limited)
        #expect(status == 1, "\(output)")
        #expect(output.contains("make room there"), "\(output)")
        #expect(try Directory.entries(of: place) == [])
    }
}

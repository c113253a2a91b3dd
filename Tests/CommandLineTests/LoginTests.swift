import Foundation
import LibvirtTesting
import Testing

@Suite("Logging in from the command line", .timeLimit(.minutes(2)))
struct LoginTests {
    private static let setup = SASLSetup(
        mechanisms: ["SCRAM-SHA-256"], users: ["fred": "open sesame"])

    private func withDaemon(_ body: (TestLibvirtd) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "lv-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let daemon = try await TestLibvirtd.start(in: directory, sasl: Self.setup)
        do {
            try await body(daemon)
        } catch {
            await daemon.stop()
            throw error
        }
        await daemon.stop()
    }

    @Test("a script is told what is missing and is not asked")
    func script() async throws {
        try await withDaemon { daemon in
            let ended = try await ProgramRun(
                "virtwire", ["-c", daemon.uri(), "domain", "list"], input: "fred\nopen sesame\n"
            ).ended()
            #expect(ended.status == 1)
            #expect(ended.errors.contains("there is no authname and no password"))
        }
    }

    /// util-linux's script(1) gives the program a terminal and types for us.
    private func atTerminal(
        _ daemon: TestLibvirtd, typing input: String
    ) async throws
        -> ProgramRun.Ended
    {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(fileURLWithPath: own).deletingLastPathComponent().path + "/virtwire"
        let process = try ProgramRun(
            "/usr/bin/script",
            ["-qec", "'\(program)' domain list -c '\(daemon.uri())'", "/dev/null"], input: input)
        return await process.ended()
    }

    @Test("a person is asked, and told of a wrong password")
    func person() async throws {
        try await withDaemon { daemon in
            let good = try await atTerminal(daemon, typing: "fred\nopen sesame\n")
            #expect(good.status == 0, "\(good.output)")
            #expect(good.output.contains("User of libvirt at localhost: "))
            #expect(good.output.contains("Password of fred at localhost: "))
            #expect(good.output.contains("test"))
            let bad = try await atTerminal(daemon, typing: "fred\nsesame\n")
            #expect(bad.status == 1)
            #expect(bad.output.contains("refused the login of \"fred\" by SCRAM-SHA-256"))
        }
    }
}

import Foundation
import LibvirtTesting
import Testing

@testable import Libvirt

@Suite("The session's daemon", .timeLimit(.minutes(2))) struct SessionDaemonTests {
    /// Surroundings of a user who is nobody, in directories of the test's own.
    private func withUser(
        daemon: String? = nil, _ body: (Surroundings, String) async throws -> Void
    ) async throws {
        let home = FileManager.default.temporaryDirectory.appendingPathComponent(
            "ses-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: home) }
        let script = home + "/daemon"
        // The test runs as root, who has no session: the daemon alone runs as somebody else.
        let command =
            daemon
                ?? """
                chown -R 65534:65534 '\(home)'
                exec setpriv --reuid=65534 --regid=65534 --clear-groups \
                    env HOME='\(home)' XDG_RUNTIME_DIR='\(home)' libvirtd "$@"
                """
        try "#!/bin/sh\n\(command)\n".write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        var surroundings = Surroundings(
            user: 65534,
            variables: ["HOME": home, "XDG_RUNTIME_DIR": home, "LIBVIRTD_PATH": script])
        surroundings.fileExists = { $0 != "/etc/libvirt/libvirt.conf" && exists($0) }
        try await body(surroundings, home)
    }

    private func open(
        _ surroundings: Surroundings, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> Connection {
        try await Connection.open(
            ConnectionParameters(
                target: try ConnectionTarget("test+unix:///default", in: surroundings),
                readOnly: false, keepalive: nil, authentication: AuthenticationOptions()),
            purpose: .calls, deadline: deadline)
    }

    @Test("is started by its first client, and is there for the next") func autostart() async throws
    {
        try await withUser { surroundings, home in
            async let early = open(surroundings)
            async let rival = open(surroundings)
            let connections = try await [early, rival]
            let number = try String(
                contentsOfFile: home + "/libvirt/libvirtd.pid", encoding: .utf8)
            let process = try #require(Int32(number.filter(\.isNumber)))
            for connection in connections {
                #expect(try await connection.lookUpDomain(name: "test").name == "test")
            }
            let outcomes = connections.compactMap { $0.explanation.steps.first?.outcome }.sorted()
            #expect(outcomes.last?.hasPrefix("started \(home)/daemon --daemon") == true)
            let late = try await open(surroundings)
            #expect(late.explanation.steps.map(\.outcome) == ["connected", "opened"])
            for connection in connections + [late] { await connection.close() }
            kill(process, SIGTERM)
            try await eventually("the daemon has gone") { kill(process, 0) != 0 }
        }
    }

    @Test("is left alone where its start is forbidden") func forbidden() async throws {
        try await withUser { surroundings, home in
            var surroundings = surroundings
            let variable = surroundings.variable
            surroundings.variable = { $0 == "LIBVIRT_AUTOSTART" ? "0" : variable($0) }
            let error = await #expect(throws: LibvirtError.self) { try await open(surroundings) }
            #expect(
                error?.description.contains("\(home)/libvirt/libvirt-sock: there is no") == true)
        }
    }

    @Test("is given up at the deadline, or when nobody waits for it any more")
    func tooSlow() async throws {
        try await withUser(daemon: "echo started >>\"$0.log\"; exec sleep 100") {
            surroundings, home in
            let late = await #expect(throws: LibvirtError.self) {
                try await open(surroundings, deadline: .now + .milliseconds(100))
            }
            let text = late?.description ?? ""
            #expect(text.contains("\(home)/daemon does not start in time"), "\(text)")
            _ = try? FileManager.default.removeItem(atPath: home + "/daemon.log")
            let waiting = Task { try await open(surroundings) }
            try await eventually("it is being started") { exists(home + "/daemon.log") }
            waiting.cancel()
            guard case .failure(let error as LibvirtError) = await waiting.result else {
                Issue.record("it is open")
                return
            }
            #expect(error.description.contains("its start was cancelled"), "\(error)")
        }
    }

    @Test("says why it does not start") func broken() async throws {
        try await withUser(daemon: "echo no room left >&2; exit 6") { surroundings, home in
            let error = await #expect(throws: LibvirtError.self) { try await open(surroundings) }
            let text = error?.description ?? ""
            #expect(text.contains("\(home)/daemon does not start: no room left"), "\(text)")
        }
    }
}

private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

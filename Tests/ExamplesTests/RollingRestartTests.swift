import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("rolling-restart", .serialized, .timeLimit(.minutes(4)))
struct RollingRestartTests {
    @Test("the domains that are meant are restarted in turn, with their guests, and no other")
    func round() async throws {
        try await withDaemon { connection, _ in
            let uri = connection.uri.description
            for name in ["web-2", "web-1", "db"] { try await start(name, on: connection) }
            func ids() async throws -> [String: Int32?] {
                Dictionary(
                    uniqueKeysWithValues: try await connection.listAllDomains(flags: .active).map {
                        ($0.name, $0.id)
                    })
            }
            let before = try await ids()
            let dry = try await ExampleRun.run("rolling-restart", "-c", uri, "web-*", "--dry-run")
            #expect(dry.status == 0, "\(dry.errors)")
            #expect(try await ids() == before)

            let run = try await ExampleRun.run(
                "rolling-restart", "-c", uri, "web-*", "--wait-for-guest")
            #expect(run.status == 0, "\(run.errors)")
            #expect(run.output == "web-1: is back (1 of 2)\nweb-2: is back (2 of 2)\n")
            let after = try await ids()
            #expect(after["db"] == before["db"] && after.count == before.count)
            #expect(after["web-1"] != before["web-1"] && after["web-2"] != before["web-2"])
        }
    }

    @Test("what cannot be restarted is told, with a status that says how")
    func failures() async throws {
        try await withDaemon { connection, _ in
            let uri = connection.uri.description
            let nobody = try await ExampleRun.run("rolling-restart", "-c", uri, "nobody")
            #expect(nobody.status == 3)
            #expect(nobody.errors == "rolling-restart: no running domain is like 'nobody'\n")
            #expect(try await ExampleRun.run("rolling-restart").status == 2)
            _ = try await connection.createDomain(
                xml: """
                    <domain type='test'><name>fleeting</name><memory>65536</memory>
                    <os><type>hvm</type></os></domain>
                    """)
            let transient = try await ExampleRun.run("rolling-restart", "-c", uri, "fl*")
            #expect(transient.status == 1)
            #expect(transient.errors.contains("fleeting is transient"))
        }
    }

    @Test("a guest that does not shut down ends the round")
    func stuck() async throws {
        let daemon = try FakeLibvirtd.start(at: newPath())
        defer { daemon.stop() }
        daemon.serve(Remote.CONNECT_LIST_ALL_DOMAINS) { _ in
            .init(
                domains: ["a", "b"].map { .init(name: $0, uuid: remote_uuid(), id: 1) }, ret: 2)
        }
        daemon.serve(Remote.DOMAIN_IS_PERSISTENT) { _ in .init(persistent: 1) }
        daemon.serve(Remote.DOMAIN_GET_STATE) { _ in .init(state: 1, reason: 1) }
        daemon.serve(Remote.DOMAIN_SHUTDOWN_FLAGS) { _ in XDRVoid() }
        let run = try await ExampleRun.run(
            "rolling-restart", "-c", daemon.uri, "*", "--shutdown-time", "0.1")
        #expect(run.status == 124)
        #expect(run.errors.contains("a has not shut down within 0.1 seconds"))
        #expect(run.errors.hasSuffix("; left alone: b\n"))
        #expect(!daemon.calls.contains("DOMAIN_DESTROY_FLAGS"))
    }
}

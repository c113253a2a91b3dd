import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

@Suite("on-event", .timeLimit(.minutes(4)))
struct OnEventTests {
    @Test("the command runs for what happens to the domains that are meant, in order")
    func reacts() async throws {
        try await withDaemon { connection, _ in
            let run = try ExampleRun(
                "on-event",
                [
                    "-c", connection.uri.description, "--domain", "web-*", "--count", "3", "--",
                    "sh",
                    "-c", "echo \"$VIRT_KIND $VIRT_DOMAIN $VIRT_EVENT\"; exit 7",
                ])
            #expect(await run.output(until: "\n") == "gap  \n")
            try await start("db", on: connection)
            try await start("web-1", on: connection)
            try await connection.lookUpDomain(name: "web-1").destroy()
            let ended = await run.ended()
            #expect(ended.status == 0, "\(ended.errors)")
            #expect(
                ended.output == """
                    lifecycle web-1 defined
                    lifecycle web-1 started
                    lifecycle web-1 stopped

                    """)
            #expect(ended.errors.contains("on-event: sh ended with 7 for lifecycle web-1\n"))
        }
    }

    @Test("a connection that is lost is told once, and events come again")
    func comesBack() async throws {
        let daemon = try FakeLibvirtd.start(at: newPath())
        defer { daemon.stop() }
        let run = try ExampleRun(
            "on-event",
            ["-c", daemon.uri, "--count", "1", "--", "sh", "-c", "echo $VIRT_KIND $VIRT_DOMAIN"])
        #expect(await run.output(until: "\n") == "gap\n")
        daemon.whenRegistered { [weak daemon] _ in
            try? daemon?.emitLifecycle(of: "back", .started)
        }
        daemon.disconnectClients()
        let ended = await run.ended()
        #expect(ended.status == 0)
        #expect(ended.output == "gap\nlifecycle back\n")
        #expect(ended.errors.contains("the server closed the connection"))
    }

    @Test("it is ended by a signal, and refuses what makes no sense")
    func ends() async throws {
        try await withDaemon { connection, _ in
            let uri = connection.uri.description
            let run = try ExampleRun(
                "on-event", ["--", "echo", "ready"], environment: ["LIBVIRT_DEFAULT_URI": uri])
            #expect(await run.output(until: "\n") == "ready\n")
            run.signal(SIGTERM)
            #expect(await run.ended().status == 0)
            let kind = try await ExampleRun.run("on-event", "-c", uri, "--kind", "x", "--", "echo")
            #expect(kind.status == 2)
            #expect(kind.errors.contains("no kind of event 'x': there are agent-lifecycle, "))
            let command = try await ExampleRun.run("on-event", "-c", uri, "--", "no-such-program")
            #expect(command.status == 3)
        }
    }
}

import Foundation
import Libvirt
import Testing

@Suite("on-event", .timeLimit(.minutes(1)))
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
            try await connection.lookUpDomain(named: "web-1").destroy()
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

    @Test("it is ended by a signal, and refuses what makes no sense")
    func ends() async throws {
        try await withDaemon { connection, _ in
            let uri = connection.uri.description
            let run = try ExampleRun("on-event", ["-c", uri, "--", "echo", "ready"])
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

import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

/// The program that the article on testing tests.
private func ensureRunning(
    _ name: String, on connection: Connection
) async throws(LibvirtError) {
    let domain = try await connection.lookUpDomain(name: name)
    if try await !domain.isActive() { try await domain.create() }
}

@Suite("The article on testing with the fake", .timeLimit(.minutes(4)))
struct FakeSnippets {
    // snippet
    @Test("a domain that does not run is started")
    func starts() async throws {
        let daemon = try FakeLibvirtd.start(at: socketPath())
        defer { daemon.stop() }
        daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
            .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: -1))
        }
        daemon.serve(Remote.DOMAIN_IS_ACTIVE) { _ in .init(active: 0) }
        daemon.serve(Remote.DOMAIN_CREATE_WITH_FLAGS) { arguments in .init(dom: arguments.dom) }

        let connection = try await Connection.open(daemon.uri)
        try await ensureRunning("web1", on: connection)
        #expect(daemon.calls.contains("DOMAIN_CREATE_WITH_FLAGS"))
        await connection.close()
    }
    // end

    @Test("a refusal is the driver's error")
    func refusal() async throws {
        try await withFake { daemon in
            // snippet
            daemon.serve(Remote.DOMAIN_CREATE_WITH_FLAGS) { _ throws(CallRefusal) in
                throw CallRefusal(.operationFailed, "no memory left", domain: .qemu)
            }
            // end
            daemon.serve(Remote.DOMAIN_IS_ACTIVE) { _ in .init(active: 0) }
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await ensureRunning("web1", on: connection)
            }
            #expect(error?.code == .operationFailed)
            #expect(error?.description.contains("no memory left") == true)
            await connection.close()
        }
    }

    @Test("a daemon that dies, and one that hangs")
    func faults() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            // snippet
            daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME)
            let late = await #expect(throws: LibvirtError.self) {
                try await Connection.withDeadline(.now + .milliseconds(20)) {
                    try await connection.hostname()
                }
            }
            #expect(late?.mayHaveRun == true)
            daemon.releaseHeldCalls()
            // end
            #expect(try await connection.hostname() == "fake")
            // snippet
            daemon.inject(.close, into: Remote.CONNECT_GET_HOSTNAME)
            let lost = await #expect(throws: LibvirtError.self) {
                try await connection.hostname()
            }
            #expect(lost?.isConnectionLost == true && lost?.mayHaveRun == true)
            // end
        }
    }

    @Test("an event")
    func event() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            // snippet
            var events = try await connection.domainEvents([.lifecycle]).makeAsyncIterator()
            try daemon.emitLifecycle(of: "web1", .crashed)
            guard case .event(let event) = try await events.next() else {
                Issue.record("no event")
                return
            }
            #expect(event.name == "web1")
            // end
            await connection.close()
        }
    }

    @Test("a console")
    func console() async throws {
        try await withFake { daemon in
            // snippet
            daemon.serveStream(Remote.DOMAIN_OPEN_CONSOLE) { _ in
                (
                    XDRVoid(),
                    { stream in
                        try? await stream.send(Array("login: ".utf8))
                        _ = try? await stream.receive()
                        try? await stream.finish()
                    }
                )
            }
            // end
            let connection = try await Connection.open(daemon.uri)
            let console = try await connection.lookUpDomain(name: "web1").openConsole()
            #expect(try await console.receive() == .data(Array("login: ".utf8)))
            try await console.send(Array("root\n".utf8))
            try await console.finish()
            await connection.close()
        }
    }
}

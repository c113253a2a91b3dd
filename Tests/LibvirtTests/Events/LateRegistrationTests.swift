import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@Suite("Registrations that come late, and connections that end", .timeLimit(.minutes(2)))
struct LateRegistrationTests {
    private let registering = Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY

    @Test("what a server registers behind the deadline is given back, and can be had again")
    func late() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.inject(.hold, into: registering)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.domainEvents(deadline: .now + .milliseconds(200))
            }
            #expect(error?.procedure == registering.name)
            #expect(error?.mayHaveRun == false, "nothing stays of it")
            try await eventually("it stands, and its reply is held") {
                daemon.registrationCount == 1 && daemon.heldCallCount == 1
            }
            daemon.releaseHeldCalls()
            try await eventually("it is given back") { daemon.registrationCount == 0 }
            var events = try await connection.domainEvents().makeAsyncIterator()
            try daemon.emitLifecycle(of: "vm", .started)
            guard case .event(let event) = try await events.next() else {
                Issue.record("no event")
                return
            }
            #expect(event.name == "vm")
        }
    }

    @Test("who comes while a registration is late shares it, and gets its events")
    func shared() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.inject(.hold, into: registering)
            await #expect(throws: LibvirtError.self) {
                try await connection.domainEvents(deadline: .now + .milliseconds(200))
            }
            let second = Task { try await connection.domainEvents() }
            // Once another kind is registered the second is waiting: both go the same way.
            let other = try await connection.domainEvents([.reboot])
            try await eventually("it stands, and its reply is held") {
                daemon.registrationCount == 2 && daemon.heldCallCount == 1
            }
            try daemon.emitLifecycle(of: "early", .started)
            daemon.releaseHeldCalls()
            var events = try await second.value.makeAsyncIterator()
            try daemon.emitLifecycle(of: "late", .started)
            var names: [String] = []
            while names.last != "late", case .event(let event) = try await events.next() {
                names.append(event.name)
            }
            #expect(names.last == "late")
            #expect(daemon.calls.filter { $0 == registering.name }.count <= 3)
            withExtendedLifetime(other) {}
        }
    }

    @Test("who comes while a registration is being given back gets the next one")
    func returned() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let deregistering = Remote.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY
            daemon.inject(.hold, into: deregistering)
            var first: DomainEvents? = try await connection.domainEvents()
            #expect(first != nil)
            first = nil
            try await eventually("the return is held") { daemon.heldCallCount == 1 }
            let second = Task { try await connection.domainEvents() }
            daemon.releaseHeldCalls()
            var events = try await second.value.makeAsyncIterator()
            #expect(daemon.registrationCount == 1)
            try daemon.emitLifecycle(of: "vm", .stopped)
            guard case .event = try await events.next() else {
                Issue.record("no event")
                return
            }
        }
    }

    @Test("of several scopes one is refused: none is kept")
    func refused() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_SECRET_EVENT_REGISTER_ANY) { _ throws(CallRefusal) in
                throw CallRefusal(.noSupport, "no secrets here")
            }
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.events([.domains(), .secrets(), .networks()])
            }
            #expect(error?.description.contains("no secrets here") == true)
            try await eventually("none is kept") { daemon.registrationCount == 0 }
        }
    }

    @Test("the end is told with its reason, to whoever waits and whoever asks later")
    func closure() async throws {
        try await withFake { daemon in
            let ours = try await Connection.open(daemon.uri)
            #expect(ours.closure == nil)
            let waiting = Task { await ours.waitUntilClosed() }
            await ours.close()
            let end = try #require(await waiting.value)
            #expect(end.reason == .client && end.error == nil && !end.isDriver)
            #expect(await ours.waitUntilClosed()?.reason == .client)

            let theirs = try await Connection.open(daemon.uri)
            daemon.disconnectClients()
            let other = try #require(await theirs.waitUntilClosed())
            #expect(other.reason == .eof && other.error?.isConnectionLost == true)
            #expect(theirs.closure?.reason == .eof)
        }
    }

    @Test("a wait for the end can be cancelled") func cancelledWait() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let waiting = Task { await connection.waitUntilClosed() }
            waiting.cancel()
            #expect(await waiting.value == nil)
            #expect(connection.isAlive)
        }
    }

    @Test("a daemon that tells of its own loss ends the subscriptions, and says why")
    func driver() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_REGISTER_CLOSE_CALLBACK) { _ in XDRVoid() }
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.domainEvents().makeAsyncIterator()
            let asked = Remote.CONNECT_REGISTER_CLOSE_CALLBACK.name
            try await eventually("it was asked to tell") { daemon.calls.contains(asked) }
            try daemon.emitConnectionClosed(.keepalive)
            let error = await #expect(throws: LibvirtError.self) {
                while try await events.next() != nil {}
            }
            #expect(
                error?.description
                    == "waiting for events failed: the server says that it has lost the hypervisor's "
                    + "own daemon (\(virConnectCloseReason.keepalive)) (\(daemon.uri))")
            #expect(connection.isAlive)
            let end = try #require(await connection.waitUntilClosed())
            #expect(end.reason == .keepalive && end.isDriver)
        }
    }

    @Test("a daemon too old for events by callback says so, and is not taken for a broken one")
    func oldDaemon() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 0) }
            daemon.serve(registering) { _ throws(CallRefusal) in
                throw CallRefusal(.rpc, "unknown procedure: \(registering.number)")
            }
            let connection = try await Connection.open(daemon.uri)
            let error = await #expect(throws: LibvirtError.self) {
                try await connection.domainEvents()
            }
            guard case .unsupported = error?.kind else {
                Issue.record("not unsupported: \(String(describing: error))")
                return
            }
            #expect(try await connection.hostname() == "fake")
        }
    }
}

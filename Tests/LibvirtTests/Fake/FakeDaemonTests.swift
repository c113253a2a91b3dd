import Libvirt
import LibvirtProtocol
import LibvirtTesting
import LinuxIO
import Testing
import XDR

/// What a real daemon does rarely, or never on request.
@Suite("Against a daemon that does as it is told", .timeLimit(.minutes(2)))
struct FakeDaemonTests {
    @Test("it opens, answers and closes, and leaves nothing open") func theUsual() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            #expect(try await connection.hostname() == "fake")
            await connection.close()
            #expect(daemon.calls.first == "AUTH_LIST")
            #expect(daemon.calls.last == "CONNECT_CLOSE")
            try await eventually("the client has gone") { daemon.clientCount == 0 }
        }
    }

    @Test("replies find their calls in whatever order they come") func reordered() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
                .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
            }
            let connection = try await Connection.open(daemon.uri)
            for _ in 0..<4 { daemon.inject(.hold, into: Remote.DOMAIN_LOOKUP_BY_NAME) }
            let calls = (0..<4).map { index in
                Task { try await connection.lookUpDomain(name: "d\(index)").name }
            }
            try await eventually("four calls are there") { daemon.heldCallCount == 4 }
            daemon.releaseHeldCalls(newestFirst: true)
            for (index, call) in calls.enumerated() {
                #expect(try await call.value == "d\(index)")
            }
        }
    }

    @Test("no more than four calls are on their way; the rest go as replies come")
    func admission() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let before = daemon.calls.count
            for _ in 0..<12 { daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME) }
            let calls = (0..<12).map { _ in Task { try await connection.hostname() } }
            for round in 1...3 {
                // A call is noted a moment before it is held.
                try await eventually("four more") { daemon.heldCallCount == 4 }
                #expect(daemon.calls.count - before == 4 * round)
                daemon.releaseHeldCalls()
            }
            for call in calls { #expect(try await call.value == "fake") }
        }
    }

    @Test("an event that overtakes the reply to its registration is delivered first")
    func overtaking() async throws {
        try await withFake { daemon in
            daemon.whenRegistered { [weak daemon] _ in
                for index in 0..<100 {
                    try? daemon?.emitLifecycle(of: "early \(index)", .started)
                }
            }
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.domainEvents().makeAsyncIterator()
            try daemon.emitLifecycle(of: "late", .started)
            for name in (0..<100).map({ "early \($0)" }) + ["late"] {
                guard case .event(let event) = try await events.next() else {
                    Issue.record("no event where \(name) should be")
                    return
                }
                #expect(event.name == name)
            }
        }
    }

    @Test("an event that cannot be read is delivered as that, and the next one whole")
    func undecodable() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var events = try await connection.domainEvents().makeAsyncIterator()
            let short = XDRProcedure<remote_connect_supports_feature_args, XDRVoid>(
                program: Remote.program, version: 1,
                number: Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE.number, name: "SHORT")
            try daemon.emit(.lifecycle, short) { .init(feature: $0) }
            try daemon.emitLifecycle(of: "whole", .stopped)
            guard case .undecodable(.lifecycle, let reason) = try await events.next() else {
                Issue.record("not told")
                return
            }
            #expect(reason.contains("XDR error at byte 4"))
            guard case .event(let event) = try await events.next() else {
                Issue.record("no event")
                return
            }
            #expect(event.content == .lifecycle(.stopped, detail: 0))
        }
    }

    @Test("the last subscriber's going takes the registration along") func counted() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            var first: DomainEvents? = try await connection.domainEvents()
            var second: DomainEvents? = try await connection.domainEvents()
            #expect(first != nil && second != nil)
            #expect(daemon.registrationCount == 1)
            first = nil
            let third = try await connection.domainEvents([.reboot])
            #expect(daemon.registrationCount == 2)
            second = nil
            try await eventually("one is left") { daemon.registrationCount == 1 }
            withExtendedLifetime(third) {}
        }
    }

    @Test("a subscriber that is cancelled is free, and what was registered is given back")
    func cancelledRegistration() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.inject(.hold, into: Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY)
            let task = Task { _ = try await connection.domainEvents() }
            try await eventually("the registration is held") { daemon.heldCallCount == 1 }
            task.cancel()
            guard case .failure(let error as LibvirtError) = await task.result else {
                Issue.record("not cancelled")
                return
            }
            #expect(error.description.contains("was cancelled"))
            daemon.releaseHeldCalls()
            try await eventually("it is given back") { daemon.registrationCount == 0 }
            let events = try await connection.domainEvents()
            #expect(daemon.registrationCount == 1)
            withExtendedLifetime(events) {}
        }
    }

    @Test("a subscription ends with the connection: quietly when we close it, with why otherwise")
    func ends() async throws {
        try await withFake { daemon in
            let ours = try await Connection.open(daemon.uri)
            var events = try await ours.domainEvents().makeAsyncIterator()
            await ours.close()
            if let notice = try await events.next() { Issue.record("unexpected: \(notice)") }

            let theirs = try await Connection.open(daemon.uri)
            var others = try await theirs.domainEvents().makeAsyncIterator()
            daemon.disconnectClients()
            do throws(LibvirtError) {
                let notice = try await others.next()
                Issue.record("the loss was not told: \(String(describing: notice))")
            } catch {
                #expect(error.isConnectionLost)
                #expect(error.description.contains("the server closed the connection"))
                #expect(error.uri == daemon.uri)
            }
        }
    }

    @Test("whoever subscribes to nothing hears of the end too, before or after it")
    func endsOfNothing() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let events = try await connection.events([])
            let others = try await connection.domainEvents([])
            daemon.disconnectClients()
            #expect(await isLost(events))
            #expect(await isLost(others))
            let late = try await connection.events([])
            #expect(await isLost(late))
        }
    }

    /// Whether the next thing that a sequence tells is the loss of its connection.
    private func isLost<Event>(_ events: EventSequence<Event>) async -> Bool {
        var iterator = events.makeAsyncIterator()
        do throws(LibvirtError) {
            _ = try await iterator.next()
            return false
        } catch {
            return error.isConnectionLost
        }
    }

    @Test("a supervisor can be ended while the daemon hangs")
    func hangingDaemon() async throws {
        try await withFake { daemon in
            let supervised = SupervisedConnection(
                daemon.uri, backOff: .init(first: .milliseconds(5), longest: .milliseconds(20)))
            let (notices, sink) = AsyncStream.makeStream(of: String.self)
            daemon.inject(.hold, into: Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY)
            let task = Task {
                await supervised.run { _ in sink.yield("notice") }
                sink.finish()
            }
            try await eventually("it registers") { daemon.heldCallCount == 1 }
            task.cancel()
            for await notice in notices { Issue.record("unexpected: \(notice)") }
            daemon.releaseHeldCalls()
        }
    }
}

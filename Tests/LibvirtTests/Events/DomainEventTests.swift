import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

@Suite("Events of a real daemon") struct DomainEventTests {
    /// The next lifecycle event of a domain with this name.
    private func next(
        _ iterator: inout DomainEvents.AsyncIterator, of name: String
    ) async throws -> DomainEvent.Content? {
        while let notice = try await iterator.next() {
            if case .event(let event) = notice, event.name == name { return event.content }
        }
        return nil
    }

    @Test func aLifeIsTold() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let events = try await connection.domainEvents([.lifecycle, .metadataChange])
            var iterator = events.makeAsyncIterator()
            let domain = try await connection.defineDomain(xml: testDomainXML("told"))
            #expect(
                try await next(&iterator, of: "told")
                    == .lifecycle(.defined, detail: virDomainEventDefinedDetailType.added.rawValue))
            try await domain.create()
            #expect(
                try await next(&iterator, of: "told")
                    == .lifecycle(.started, detail: virDomainEventStartedDetailType.booted.rawValue)
            )
            try await domain.setMetadata("<x/>", prefix: "m", namespace: "urn:x", impact: .live)
            #expect(
                try await next(&iterator, of: "told")
                    == .metadataChange(.element, namespace: "urn:x"))
            try await domain.destroy()
            guard case .lifecycle(.stopped, _) = try await next(&iterator, of: "told") else {
                Issue.record("no STOPPED")
                return
            }
            try await domain.undefine()
            guard case .lifecycle(.undefined, _) = try await next(&iterator, of: "told") else {
                Issue.record("no UNDEFINED")
                return
            }
        }
    }

    @Test func subscriptionsShareARegistrationAndEndApart() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            var first: DomainEvents? = try await connection.domainEvents()
            let second = try await connection.domainEvents()
            #expect(first != nil)
            first = nil
            var iterator = second.makeAsyncIterator()
            _ = try await connection.defineDomain(xml: testDomainXML("shared"))
            guard case .lifecycle(.defined, _) = try await next(&iterator, of: "shared") else {
                Issue.record("the second subscription ended with the first")
                return
            }
        }
    }

    @Test func aDomainsOwnSubscriptionTellsOfNoOther() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            let one = try await connection.defineDomain(xml: testDomainXML("one"))
            let two = try await connection.defineDomain(xml: testDomainXML("two"))
            var iterator = try await connection.domainEvents(of: two).makeAsyncIterator()
            try await one.create()
            try await two.create()
            guard case .event(let event) = try await iterator.next() else {
                Issue.record("no event")
                return
            }
            #expect(event.name == "two")
        }
    }

    @Test func aSlowReaderLearnsWhatItLost() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri())
            #expect(Connection.defaultEventCapacity == 16_384)
            let slow = try await connection.domainEvents(capacity: 2)
            var quick = try await connection.domainEvents().makeAsyncIterator()
            for index in 0..<5 {
                _ = try await connection.defineDomain(xml: testDomainXML("d\(index)"))
            }
            // Both get an event before the next: what the quick one has read, the slow one was sent.
            for index in 0..<5 { _ = try await next(&quick, of: "d\(index)") }
            var iterator = slow.makeAsyncIterator()
            for index in 0..<2 {
                guard case .event(let event) = try await iterator.next() else { break }
                #expect(event.name == "d\(index)")
            }
            guard case .lost(let count) = try await iterator.next() else {
                Issue.record("nothing is said to be lost")
                return
            }
            // The slow one's buffer may be handed the last event after the quick one's.
            #expect((2...3).contains(count))
        }
    }

    @Test func closingEndsQuietlyAlthoughTheDaemonClosesToo() async throws {
        try await withDaemon { daemon in
            for _ in 0..<10 {
                let connection = try await Connection.open(daemon.uri())
                var iterator = try await connection.domainEvents().makeAsyncIterator()
                await connection.close()
                if let notice = try await iterator.next() { Issue.record("unexpected: \(notice)") }
                #expect(connection.closure?.reason == .client)
            }
        }
    }

    @Test func aSupervisedConnectionComesBack() async throws {
        try await withDaemon { daemon in
            let supervised = SupervisedConnection(
                daemon.uri(), kinds: [.lifecycle],
                backOff: .init(first: .milliseconds(10), longest: .milliseconds(50)))
            let (notices, sink) = AsyncStream.makeStream(of: SupervisedConnection.Notice.self)
            let task = Task { await supervised.run { sink.yield($0) } }
            defer { task.cancel() }
            var iterator = notices.makeAsyncIterator()
            guard case .connected = await iterator.next() else {
                Issue.record("not connected")
                return
            }
            daemon.kill()
            guard case .disconnected(let error) = await iterator.next() else {
                Issue.record("the loss was not told")
                return
            }
            #expect(error.isConnectionLost)
            try await daemon.start()
            var connection: Connection?
            while connection == nil, let notice = await iterator.next() {
                if case .connected(let new) = notice { connection = new }
            }
            _ = try await connection?.defineDomain(xml: testDomainXML("again"))
            while let notice = await iterator.next() {
                if case .event(.domain(let event)) = notice, event.name == "again" { break }
            }
        }
    }
}

import Libvirt
import LibvirtTesting
import Testing

@Suite("Connecting over TCP", .timeLimit(.minutes(2))) struct TCPTests {
    @Test("a call, an event and the end, on a real daemon") func works() async throws {
        try await withDaemon(network: .tcp()) { daemon in
            let network = try #require(daemon.network)
            let connection = try await Connection.open("test+tcp://\(network.address)/default")
            let domain = try await connection.lookUpDomain(name: "test")
            var events = try await connection.domainEvents().makeAsyncIterator()
            try await domain.suspend()
            guard case .event = try await events.next() else {
                Issue.record("no event")
                return
            }
            try await domain.resume()
            await connection.close()
            #expect(!connection.isAlive)
        }
    }

    @Test("a reply longer than a read, and many calls at once") func large() async throws {
        try await withDaemon(network: .tcp()) { daemon in
            let network = try #require(daemon.network)
            let connection = try await Connection.open("test+tcp://\(network.address)/default")
            let padding = String(repeating: "x", count: 1 << 20)
            let xml = testDomainXML(
                "long", metadata: "<description>\(padding)</description>")
            let domain = try await connection.defineDomain(xml: xml)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 { group.addTask { try await domain.xml().utf8.count } }
                for try await count in group { #expect(count > padding.utf8.count) }
            }
            await connection.close()
        }
    }

    @Test("a daemon that dies ends the connection") func death() async throws {
        try await withDaemon(network: .tcp()) { daemon in
            let network = try #require(daemon.network)
            let connection = try await Connection.open("test+tcp://\(network.address)/default")
            daemon.kill()
            try await eventually("the connection has ended") { !connection.isAlive }
            await #expect(throws: LibvirtError.self) { _ = try await connection.hostname() }
        }
    }

    @Test("an address where nobody listens is named, with what to do") func nobody() async throws {
        do {
            _ = try await Connection.open("test+tcp://127.9.8.7:1/default")
            Issue.record("it connected")
        } catch {
            #expect(
                error.description
                    == "cannot connect to test+tcp://127.9.8.7:1/default: 127.9.8.7:1: nobody "
                    + "listens; is libvirtd started with --listen, or its socket enabled?")
        }
    }

    @Test("a name that nobody knows is named") func unknownName() async throws {
        do {
            _ = try await Connection.open("test+tcp://no-such-host.invalid/default")
            Issue.record("it connected")
        } catch {
            #expect(error.description.contains("no-such-host.invalid"))
            guard case .unreachable = error.kind else {
                Issue.record("\(error)")
                return
            }
        }
    }
}

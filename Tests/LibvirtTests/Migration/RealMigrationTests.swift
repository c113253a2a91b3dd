import Foundation
import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing

/// A guest that runs, and two daemons between which it can move.
private struct TwoHosts {
    let here: TestLibvirtd
    let there: TestLibvirtd
    let source: Connection
    let target: Connection
    let domain: Domain

    /// - Parameter isRunning: whether the guest is started, and waited for until it is up.
    static func with(
        isRunning: Bool = true, _ body: (TwoHosts) async throws -> Void
    ) async throws {
        let guest = try await Guest.built()
        try await withDaemon(wantsQEMU: true) { here in
            try await withDaemon(wantsQEMU: true) { there in
                let source = try await Connection.open(here.uri("qemu", "/system"))
                let target = try await Connection.open(there.uri("qemu", "/system"))
                let xml = guest.xml("mover")
                let domain: Domain
                if isRunning {
                    domain = try await source.createDomain(xml: xml)
                    let console = Console(try await domain.openConsole(flags: .safe))
                    try await console.wait(for: "guest: up")
                    console.stream.abort()
                } else {
                    domain = try await source.defineDomain(xml: xml)
                }
                try await body(
                    TwoHosts(
                        here: here, there: there, source: source, target: target, domain: domain))
                await source.close()
                await target.close()
            }
        }
    }

    /// Of the hosts' own: both are this machine.
    static let address: TypedParameters = ["migrate_uri": .string("tcp://127.0.0.1")]
    /// So slow that it does not end by itself, in MiB/s.
    static let slow: TypedParameters = [
        "migrate_uri": .string("tcp://127.0.0.1"), "bandwidth": .unsignedLongLong(1),
    ]

    /// Waits until the guest's memory flows.
    func waitForFlow() async throws {
        try await eventually("memory flows") {
            try await Task.sleep(for: .milliseconds(20))
            let (type, statistics) = try await domain.jobStats()
            guard type == .unbounded,
                case .unsignedLongLong(let bytes)? = statistics["data_processed"]
            else { return false }
            return bytes > 0
        }
    }

    /// The guest goes on at the source, and nothing is left at the destination.
    func expectUnmoved(_ words: String) async throws {
        #expect(try await domain.state().state == .running)
        try await domain.expectAnswer(to: words)
        try await eventually("nothing is left at the destination") {
            try await target.listAllDomains().isEmpty && there.domainProcesses.isEmpty
        }
    }
}

/// The lifecycle of a domain as one daemon tells it.
private struct Lifecycle {
    private var iterator: DomainEvents.AsyncIterator

    init(_ connection: Connection, _ kinds: Set<virDomainEventID> = []) async throws {
        iterator = try await connection.domainEvents(kinds.union([.lifecycle])).makeAsyncIterator()
    }

    /// What is told until something comes that is the last.
    mutating func until(
        _ isLast: (DomainEvent.Content) -> Bool
    ) async throws -> [DomainEvent.Content] {
        var all: [DomainEvent.Content] = []
        while let notice = try await iterator.next() {
            guard case .event(let event) = notice else { continue }
            all.append(event.content)
            if isLast(event.content) { return all }
        }
        return all
    }
}

@Suite("Migration between two real daemons", .serialized, .timeLimit(.minutes(5)))
struct RealMigrationTests {
    private static let left = DomainEvent.Content.lifecycle(
        .stopped, detail: virDomainEventStoppedDetailType.migrated.rawValue)
    private static let arrived = DomainEvent.Content.lifecycle(
        .started, detail: virDomainEventStartedDetailType.migrated.rawValue)
    private static let goesOn = DomainEvent.Content.lifecycle(
        .resumed, detail: virDomainEventResumedDetailType.migrated.rawValue)

    @Test("a live guest moves there, back from peer to peer, and there again through a tunnel")
    func moves() async throws {
        try await TwoHosts.with { hosts in
            var here = try await Lifecycle(hosts.source, [.jobCompleted, .migrationIteration])
            var there = try await Lifecycle(hosts.target)

            let moved = try await hosts.domain.migrate(
                to: hosts.target, parameters: TwoHosts.address, flags: .live)
            #expect(moved.connection === hosts.target)
            #expect(try await moved.state().state == .running)
            try await moved.expectAnswer(to: "managed")
            // The daemon says last what the job was.
            let told = try await here.until { if case .jobCompleted = $0 { true } else { false } }
            #expect(told.contains(Self.left))
            #expect(told.contains { if case .migrationIteration = $0 { true } else { false } })
            let heard = try await there.until { $0 == Self.goesOn }
            #expect(heard.contains(Self.arrived))
            #expect(try await hosts.source.listAllDomains().isEmpty)

            try await moved.migrate(
                toURI: hosts.here.uri("qemu", "/system"), parameters: TwoHosts.address, flags: .live
            )
            _ = try await there.until { $0 == Self.left }
            _ = try await here.until { $0 == Self.goesOn }
            let back = try await hosts.source.lookUpDomain(name: "mover")
            try await back.expectAnswer(to: "from peer to peer")

            // The source's daemon opens the tunnel to the other, and the data go through both.
            try await back.migrate(
                toURI: hosts.there.uri("qemu", "/system"), flags: [.live, .tunnelled])
            _ = try await here.until { $0 == Self.left }
            _ = try await there.until { $0 == Self.goesOn }
            let again = try await hosts.target.lookUpDomain(name: "mover")
            try await again.expectAnswer(to: "through a tunnel")
            try await again.destroy()
        }
    }

    @Test(
        "a domain that does not run is defined there, either way, and here no more when so wished")
    func offline() async throws {
        try await TwoHosts.with(isRunning: false) { hosts in
            let there = try await hosts.domain.migrate(
                to: hosts.target, parameters: TwoHosts.address, flags: [.offline, .persistDest])
            #expect(try await there.isPersistent())
            #expect(try await there.isActive() == false)
            #expect(try await hosts.domain.isPersistent())
            try await there.undefine()
            try await hosts.domain.migrate(
                toURI: hosts.there.uri("qemu", "/system"), parameters: TwoHosts.address,
                flags: [.offline, .persistDest, .undefineSource])
            #expect(try await hosts.target.lookUpDomain(name: "mover").uuid == hosts.domain.uuid)
            #expect(try await hosts.source.listAllDomains().isEmpty)
        }
    }

    @Test("whoever gives up keeps the guest: by cancelling the task, by aborting the job")
    func givenUp() async throws {
        try await TwoHosts.with { hosts in
            for number in 0..<2 {
                let task = Task {
                    try await hosts.domain.migrate(
                        to: hosts.target, parameters: TwoHosts.slow, flags: .live)
                }
                try await hosts.waitForFlow()
                if number == 0 { task.cancel() } else { try await hosts.domain.abortJob() }
                try await expectAborted(task.result)
                try await hosts.expectUnmoved("managed \(number)")
            }
            for (number, flags) in [[.live], [.live, .tunnelled] as virDomainMigrateFlags]
                .enumerated()
            {
                let task = Task {
                    try await hosts.domain.migrate(
                        toURI: hosts.there.uri("qemu", "/system"),
                        parameters: flags.contains(.tunnelled)
                            ? ["bandwidth": .unsignedLongLong(1)] : TwoHosts.slow, flags: flags)
                }
                try await hosts.waitForFlow()
                task.cancel()
                try await expectAborted(task.result)
                try await hosts.expectUnmoved("from peer to peer \(number)")
            }
            try await hosts.domain.destroy()
        }
    }

    private func expectAborted<Value>(_ result: Result<Value, any Error>) async throws {
        guard case .failure(let error as LibvirtError) = result else {
            Issue.record("it went through")
            return
        }
        #expect(error.code == .operationAborted, "\(error)")
    }

    @Test("what fails leaves the guest where it is, and says which daemon could not")
    func fails() async throws {
        try await TwoHosts.with { hosts in
            let same = await #expect(throws: LibvirtError.self) {
                try await hosts.domain.migrate(to: hosts.source, flags: .live)
            }
            #expect(same?.description.contains("same host") == true, "\(String(describing: same))")
            try await hosts.expectUnmoved("same host")

            let nobody = await #expect(throws: LibvirtError.self) {
                try await hosts.domain.migrate(
                    toURI: "qemu+unix:///system?socket=/nowhere", flags: .live)
            }
            #expect(
                nobody?.description.contains("/nowhere") == true, "\(String(describing: nobody))")
            try await hosts.expectUnmoved("nobody there")

            for isManaged in [true, false] {
                let task = Task {
                    if isManaged {
                        _ = try await hosts.domain.migrate(
                            to: hosts.target, parameters: TwoHosts.slow, flags: .live)
                    } else {
                        try await hosts.domain.migrate(
                            toURI: hosts.there.uri("qemu", "/system"), parameters: TwoHosts.slow,
                            flags: .live)
                    }
                }
                try await hosts.waitForFlow()
                hosts.there.killDomains()
                guard case .failure(let error as LibvirtError) = await task.result else {
                    Issue.record("it went through")
                    return
                }
                #expect(error.code != nil, "\(error)")
                try await hosts.expectUnmoved("QEMU died \(isManaged)")
            }
            try await hosts.domain.destroy()
        }
    }
}

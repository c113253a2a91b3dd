import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import Libvirt
@testable import LibvirtRPC
@testable import LibvirtTesting

@Suite("Descriptors of calls that nobody waits for any more", .timeLimit(.minutes(4)))
struct CancelledFilesTests {
    private static let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    /// What becomes of a connection whose peer does not read.
    enum Fate: CaseIterable, Sendable {
        /// The peer reads again, when the call's frame still waits on this side.
        case readsAgain
        /// The connection is closed, when the call's frame still waits on this side.
        case closedBehindFrame
        /// The connection is closed, when the call's frame is on its way already.
        case closedBeforeReading
    }

    private func domain(_ daemon: FakeLibvirtd) async throws -> Domain {
        daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: Self.raw) }
        return try await Connection.open(daemon.uri).lookUpDomain(name: "vm")
    }

    /// Begins to start the domain with the files, as soon as which are the call's.
    private func begin(
        _ domain: Domain, with files: GivenFiles
    ) async throws -> Task<Void, any Error> {
        let creating = Task { _ = try await domain.create(files: files.take()) }
        try await eventually("the call has its files") { files.areTaken }
        return creating
    }

    /// Cancels a call, which ends although nothing else happens.
    private func cancel(_ creating: Task<Void, any Error>) async -> String {
        creating.cancel()
        guard case .failure(let error) = await creating.result else { return "it went well" }
        return (error as? LibvirtError)?.description ?? "\(error)"
    }

    @Test("a call that waits behind four others lets go of them at once, and is never sent")
    func behindFour() async throws {
        try await withFake { daemon in
            let domain = try await domain(daemon)
            let connection = domain.connection
            let before = try openDescriptorCount()
            for _ in 0..<20 {
                for _ in 0..<4 { daemon.inject(.hold, into: Remote.CONNECT_GET_HOSTNAME) }
                let four = (0..<4).map { _ in Task { try await connection.hostname() } }
                try await eventually("four calls are held") { daemon.heldCallCount == 4 }
                let files = try GivenFiles(8)
                let creating = try await begin(domain, with: files)
                // Most times it waits by now; the other times it finds itself cancelled.
                for _ in 0..<100 { await Task.yield() }
                let problem = await cancel(creating)
                #expect(problem.contains("cancelled"), "\(problem)")
                #expect(problem.contains("was not sent"), "\(problem)")
                try await eventually("its files are closed") { files.openCount == 0 }
                #expect(daemon.heldCallCount == 4)
                daemon.releaseHeldCalls()
                for call in four { #expect(try await call.value == "fake") }
            }
            #expect(!daemon.calls.contains("DOMAIN_CREATE_WITH_FILES"))
            try await eventually("as many descriptors are open as before") {
                try openDescriptorCount() <= before
            }
            await connection.close()
        }
    }

    @Test(
        "a call to a peer that does not read ends at once, and its files are closed in the end",
        arguments: Fate.allCases)
    func unread(fate: Fate) async throws {
        try await withFake { daemon in
            let arrived = ArrivedFiles()
            daemon.servePassing(Remote.DOMAIN_CREATE_WITH_FILES) { _, passed in
                arrived.note(passed)
                return (.init(dom: Self.raw), nil)
            }
            // The first connection of a process opens what all of them share.
            await (try await Connection.open(daemon.uri)).close()
            let before = try openDescriptorCount()
            let files = try GivenFiles(8)
            let domain = try await domain(daemon)
            let connection = domain.connection
            for link in daemon.links { link.carrier.setReading(false) }
            var others: [Task<Void, any Error>] = []
            if fate != .closedBeforeReading { others.append(try await fillSocket(connection)) }
            let creating = try await begin(domain, with: files)
            others += fillPlaces(connection, besides: others.count + 1)
            try await eventually("every place is taken") { !connection.link.hasFreePlace }
            let problem = await cancel(creating)
            #expect(problem.contains("cancelled"), "\(problem)")
            if fate == .readsAgain {
                for link in daemon.links { link.carrier.setReading(true) }
                try await eventually("they arrive") { arrived.identities == files.identities }
            } else {
                // With every place taken it takes no leave, for which it would wait in vain.
                await connection.close()
                #expect(!connection.isAlive)
            }
            try await eventually("its files are closed") { files.openCount == 0 }
            for other in others { _ = await other.result }
            await connection.close()
            try await eventually("as many descriptors are open as before, but for our ends") {
                try openDescriptorCount() <= before + files.identities.count
            }
        }
    }

    /// Makes a call that is longer than what goes into a socket that nobody reads.
    private func fillSocket(_ connection: Connection) async throws -> Task<Void, any Error> {
        let long = Task {
            _ = try await connection.defineDomain(xml: String(repeating: "x", count: 2 << 20))
        }
        try await eventually("the socket is full") {
            connection.link.carrier.queuedByteCount > 0
        }
        return long
    }

    /// Makes calls until four are under way.
    private func fillPlaces(
        _ connection: Connection, besides count: Int
    ) -> [Task<Void, any Error>] {
        (count..<4).map { _ in Task { _ = try await connection.hostname() } }
    }
}

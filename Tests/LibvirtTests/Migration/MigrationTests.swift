import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

@testable import Libvirt

/// The steps of a migration, as two daemons see them.
@Suite("Migration between two daemons", .timeLimit(.minutes(2))) struct MigrationTests {
    /// What both daemons were told, in order.
    private final class Journal: Sendable {
        let lines = Mutex<[String]>([])

        func note(_ step: String, _ cookie: [UInt8], _ flags: UInt32, _ more: String = "") {
            lines.withLock { $0.append("\(step) \(cookie) \(flags)\(more)") }
        }
    }

    private let raw = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    private func serve(_ source: FakeLibvirtd, _ target: FakeLibvirtd, _ journal: Journal) {
        source.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { [raw] _ in .init(dom: raw) }
        source.serve(Remote.DOMAIN_GET_STATE) { _ in
            .init(state: virDomainState.paused.rawValue, reason: 0)
        }
        source.serve(Remote.DOMAIN_MIGRATE_BEGIN3_PARAMS) { arguments in
            journal.note("begin", [], arguments.flags)
            return .init(cookie_out: [1], xml: "<domain/>")
        }
        target.serve(Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS) { arguments in
            let xml = arguments.params.contains { $0.field.text == "destination_xml" }
            journal.note("prepare", arguments.cookie_in, arguments.flags, xml ? " xml" : "")
            return .init(cookie_out: [2], uri_out: "tcp:there:49152")
        }
        source.serve(Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS) { arguments in
            let uri = arguments.params.contains { $0.value == .s("tcp:there:49152") }
            journal.note("perform", arguments.cookie_in, arguments.flags, uri ? " uri" : "")
            return .init(cookie_out: [3])
        }
        target.serve(Remote.DOMAIN_MIGRATE_FINISH3_PARAMS) { [raw] arguments in
            journal.note(
                "finish", arguments.cookie_in, arguments.flags, " \(arguments.cancelled)")
            return .init(dom: raw, cookie_out: [4])
        }
        source.serve(Remote.DOMAIN_MIGRATE_CONFIRM3_PARAMS) { arguments in
            journal.note(
                "confirm", arguments.cookie_in, arguments.flags, " \(arguments.cancelled)")
            return XDRVoid()
        }
    }

    private func withTwo(
        _ body: (FakeLibvirtd, FakeLibvirtd, Journal, Domain, Connection) async throws -> Void
    ) async throws {
        try await withFake { source in
            try await withFake { target in
                let journal = Journal()
                serve(source, target, journal)
                let here = try await Connection.open(source.uri)
                let there = try await Connection.open(target.uri)
                let domain = try await here.lookUpDomain(name: "vm")
                try await body(source, target, journal, domain, there)
            }
        }
    }

    @Test("five steps, each with the cookie of the one before; who is paused stays so")
    func succeeds() async throws {
        try await withTwo { _, _, journal, domain, there in
            let moved = try await domain.migrate(to: there, flags: [.live, .abortOnError])
            #expect(moved.connection === there && moved.name == "vm")
            // Live 1, paused 32, change protection 256, abort on error 4096.
            #expect(
                journal.lines.withLock(\.self) == [
                    "begin [] 4353", "prepare [1] 33 xml", "perform [2] 4385 uri",
                    "finish [3] 33 0", "confirm [4] 4385 0",
                ])
        }
    }

    @Test("a destination that cannot prepare: the source is let go") func prepareFails()
        async throws
    {
        try await withTwo { _, target, journal, domain, there in
            target.serve(Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS) { _ throws(CallRefusal) in
                throw CallRefusal(.operationFailed, "no room")
            }
            let error = await #expect(throws: LibvirtError.self) {
                try await domain.migrate(to: there)
            }
            #expect(error?.description.contains(": no room (") == true)
            #expect(journal.lines.withLock(\.self) == ["begin [] 256", "confirm [] 288 1"])
        }
    }

    @Test("a source that cannot perform: the destination cleans up") func performFails()
        async throws
    {
        try await withTwo { source, _, journal, domain, there in
            source.serve(Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS) { _ throws(CallRefusal) in
                throw CallRefusal(.operationFailed, "the line is dead")
            }
            let error = await #expect(throws: LibvirtError.self) {
                try await domain.migrate(to: there)
            }
            #expect(error?.description.contains(": the line is dead (") == true)
            #expect(
                journal.lines.withLock(\.self) == [
                    "begin [] 256", "prepare [1] 32 xml", "finish [] 32 1",
                ])
        }
    }

    @Test("a destination that cannot finish: the source goes on") func finishFails() async throws {
        try await withTwo { _, target, journal, domain, there in
            target.serve(Remote.DOMAIN_MIGRATE_FINISH3_PARAMS) { _ throws(CallRefusal) in
                throw CallRefusal(.operationFailed, "it did not start")
            }
            let error = await #expect(throws: LibvirtError.self) {
                try await domain.migrate(to: there)
            }
            #expect(error?.description.contains(": it did not start (") == true)
            #expect(journal.lines.withLock { $0.last } == "confirm [] 288 1")
        }
    }

    /// Has the source perform until it is told to abort.
    private func performUntilAborted(_ source: FakeLibvirtd) {
        source.serve(Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS) { _ throws(CallRefusal) in
            throw CallRefusal(.operationAborted, "aborted by the client")
        }
        source.serve(Remote.DOMAIN_ABORT_JOB) { [weak source] _ in
            source?.releaseHeldCalls()
            return XDRVoid()
        }
        source.inject(.hold, into: Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS)
    }

    @Test("a deadline aborts at the source as well, and the last steps are done behind it")
    func tooLate() async throws {
        try await withTwo { source, _, journal, domain, there in
            performUntilAborted(source)
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.withDeadline(.now + .milliseconds(300)) {
                    try await domain.migrate(to: there)
                }
            }
            #expect(error?.code == .operationAborted)
            #expect(journal.lines.withLock { $0.last } == "finish [] 32 1")
        }
    }

    @Test("cancelling aborts at the source, and both daemons are told to the end")
    func cancelled() async throws {
        try await withTwo { source, _, journal, domain, there in
            performUntilAborted(source)
            let task = Task { try await domain.migrate(to: there) }
            try await eventually("it performs") { source.heldCallCount == 1 }
            task.cancel()
            guard case .failure(let error as LibvirtError) = await task.result else {
                Issue.record("it went through")
                return
            }
            #expect(error.code == .operationAborted)
            #expect(journal.lines.withLock { $0.last } == "finish [] 32 1")
        }
    }

    @Test("who cancels before the data flow is heard") func cancelledEarly() async throws {
        try await withTwo { source, target, journal, domain, there in
            target.inject(.hold, into: Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS)
            let task = Task { try await domain.migrate(to: there) }
            try await eventually("it prepares") { target.heldCallCount == 1 }
            task.cancel()
            try await eventually("the source was asked") {
                source.calls.contains(Remote.DOMAIN_ABORT_JOB.name)
            }
            target.releaseHeldCalls()
            guard case .failure(let error as LibvirtError) = await task.result else {
                Issue.record("it went through")
                return
            }
            #expect(error.description.contains("was cancelled"))
            #expect(
                journal.lines.withLock { $0.suffix(2) } == ["finish [] 32 1", "confirm [] 288 1"])
        }
    }

    @Test("a destination that answers nothing more is left after a while")
    func destinationFreezes() async throws {
        try await withTwo { source, target, _, domain, there in
            target.inject(.hold, into: Remote.DOMAIN_MIGRATE_PREPARE3_PARAMS)
            let error = await MigrationCancellation.$patience.withValue(.milliseconds(50)) {
                await #expect(throws: LibvirtError.self) {
                    try await Connection.withDeadline(.now + .milliseconds(50)) {
                        try await domain.migrate(to: there)
                    }
                }
            }
            #expect(target.heldCallCount == 1)
            #expect(error?.mayHaveRun == true, "\(String(describing: error))")
            // The connection stands, and the daemon's calls on it.
            #expect(source.calls.contains(Remote.DOMAIN_ABORT_JOB.name))
            target.releaseHeldCalls()
        }
    }

    @Test("every step goes over the two connections that were chosen, the long one too")
    func oneConnection() async throws {
        try await withTwo { source, target, journal, domain, there in
            // As where no connection beside them can be had.
            let migration = ManagedMigration(
                domain: domain, destination: there, parameters: [:], flags: .live,
                isProtected: true, cancellation: MigrationCancellation())
            _ = try await Connection.withPlacement(.ownConnection) { () throws(LibvirtError) in
                try await migration.run()
            }
            #expect(journal.lines.withLock(\.count) == 5)
            #expect(source.clientCount == 1 && target.clientCount == 1)
        }
    }

    @Test("from peer to peer the daemon gets the URI, and does the rest") func peers() async throws
    {
        try await withTwo { source, _, journal, domain, there in
            source.serve(Remote.DOMAIN_MIGRATE_PERFORM3_PARAMS) { arguments in
                journal.note(
                    "perform", arguments.cookie_in, arguments.flags,
                    " \(arguments.dconnuri?.text ?? "-") \(arguments.params.count)")
                return .init(cookie_out: [])
            }
            try await domain.migrate(
                toURI: "qemu+tls://there/system",
                parameters: ["bandwidth": .unsignedLongLong(10)], flags: .live)
            #expect(
                journal.lines.withLock(\.self) == ["perform [] 3 qemu+tls://there/system 1"])
            await #expect(throws: LibvirtError.self) {
                try await domain.migrate(to: there, flags: .peer2peer)
            }
        }
    }

    @Test("a driver that cannot is not asked to") func unsupported() async throws {
        try await withTwo { _, target, journal, domain, there in
            target.serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 0) }
            let error = await #expect(throws: LibvirtError.self) {
                try await domain.migrate(to: there)
            }
            guard case .unsupported = error?.kind else {
                Issue.record("not unsupported: \(String(describing: error))")
                return
            }
            #expect(journal.lines.withLock(\.self).isEmpty)
        }
    }
}

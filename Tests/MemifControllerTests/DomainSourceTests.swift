import Foundation
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Logging
import Synchronization
import Testing
import XDR

@testable import MemifController

@Suite("Domains of a libvirt daemon that comes and goes", .timeLimit(.minutes(2)))
struct DomainSourceTests {
    /// A made-up daemon, a source that is connected to it, and what the source says next.
    private static func with(
        patience: Duration = .seconds(30),
        _ body: (FakeLibvirtd, LibvirtDomainSource, AsyncStream<SourceNotice>) async throws -> Void
    ) async throws {
        let daemon = try FakeLibvirtd.start(at: path())
        defer { daemon.stop() }
        let source = LibvirtDomainSource(uri: daemon.uri, patience: patience)
        let (notices, sink) = AsyncStream.makeStream(of: SourceNotice.self)
        let running = Task { await source.run { sink.yield($0) } }
        for await first in notices {
            #expect(first == .connected)
            break
        }
        try await body(daemon, source, notices)
        running.cancel()
        await running.value
    }

    private static func path() -> String {
        FileManager.default.temporaryDirectory.appendingPathComponent(
            "fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
    }

    @Test("a connection that comes back is one reason to look, and not two")
    func comesBack() async throws {
        try await Self.with { daemon, _, all in
            var notices = all.makeAsyncIterator()
            daemon.disconnectClients()
            guard case .disconnected = await notices.next() else {
                Issue.record("the loss was not told")
                return
            }
            #expect(await notices.next() == .connected)
            try daemon.emitLifecycle(of: "vm", .started)
            guard case .changed = await notices.next() else {
                Issue.record("something else was told before the event")
                return
            }
        }
    }

    @Test(
        "a daemon that answers no list is left, which is told, until it answers one over another connection"
    )
    func unansweredList() async throws {
        try await Self.with(patience: .milliseconds(200)) { daemon, source, all in
            var notices = all.makeAsyncIterator()
            daemon.serve(Remote.CONNECT_LIST_ALL_DOMAINS) { _ in .init(domains: [], ret: 0) }
            for _ in 0..<2 { daemon.inject(.hold, into: Remote.CONNECT_LIST_ALL_DOMAINS) }
            await #expect(throws: DomainSourceError.self) { _ = try await source.list(.active) }
            let reason = "libvirt has not answered within \(Duration.milliseconds(200))"
            #expect(await notices.next() == .disconnected(reason: reason))
            while let notice = await notices.next(), notice != .connected {}
            #expect(daemon.calls.count { $0.contains("LIST_ALL_DOMAINS") } >= 3)
            #expect(await eventually { (try? await source.list(.active)) != nil })
        }
    }

    @Test(
        "a list for which calls that hang have left no place goes round them, over the same connection"
    )
    func crowdedOutList() async throws {
        let patience = Duration.seconds(3)
        try await Self.with(patience: patience) { daemon, source, _ in
            daemon.serve(Remote.CONNECT_LIST_ALL_DOMAINS) { _ in .init(domains: [], ret: 0) }
            let reads = (1...4).map { (number: UInt8) in
                daemon.inject(.hold, into: Remote.DOMAIN_GET_XML_DESC)
                return Task { try await source.read(Sample.vm(number)) }
            }
            #expect(await eventually { daemon.heldCallCount == 4 })
            // It waits until they are given up, in vain.
            let listed = try await source.list(.active)
            #expect(listed.isEmpty)
            for read in reads {
                await #expect(throws: DomainSourceError.self) { _ = try await read.value }
            }
        }
    }

    @Test("four calls that hang for ever keep no other domain from its ports")
    func hungCalls() async throws {
        let daemon = try FakeLibvirtd.start(at: Self.path())
        defer { daemon.stop() }
        let vms = (1...5).map { Sample.vm($0) }
        daemon.serve(Remote.CONNECT_LIST_ALL_DOMAINS) { _ in
            let domains = vms.compactMap { vm in
                remote_uuid(vm.bytes).map { remote_nonnull_domain(name: "vm", uuid: $0, id: -1) }
            }
            return .init(domains: domains, ret: UInt32(domains.count))
        }
        daemon.serve(Remote.DOMAIN_GET_XML_DESC) { arguments in
            let vm = VMIdentifier(bytes: arguments.dom.uuid.bytes) ?? Sample.vm(0)
            return .init(xml: XDRString(Sample.xml("<memif:port name='a'/>", vm: vm)))
        }
        daemon.serve(Remote.DOMAIN_GET_STATE) { _ in .init(state: 5, reason: 1) }
        for _ in 0..<4 { daemon.inject(.hold, into: Remote.DOMAIN_GET_XML_DESC) }
        let backend = FakeBackend()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let scratch = try Scratch()
        let controller = Controller(
            Host(scratch.configuration, backend: backend, logger: logger),
            source: LibvirtDomainSource(uri: daemon.uri, patience: .milliseconds(500)))
        let run = Task { try await controller.run() }
        #expect(await eventually { backend.open.count == 5 })
        run.cancel()
        try await run.value
    }

    @Test("after a refusal it waits for minutes, unless it is told to try again")
    func refused() async throws {
        let daemon = try FakeLibvirtd.start(at: Self.path())
        defer { daemon.stop() }
        let isAllowed = Mutex(false)
        daemon.serve(Remote.CONNECT_OPEN) { _ throws(CallRefusal) in
            if isAllowed.withLock(\.self) { return XDRVoid() }
            throw CallRefusal(.accessDenied, "access denied")
        }
        let source = LibvirtDomainSource(uri: daemon.uri)
        let (notices, sink) = AsyncStream.makeStream(of: SourceNotice.self)
        let running = Task { await source.run { sink.yield($0) } }
        var all = notices.makeAsyncIterator()
        guard case .disconnected = await all.next() else {
            Issue.record("the refusal was not told")
            return
        }
        isAllowed.withLock { $0 = true }
        // It tells of the refusal a moment before it waits.
        source.retry()
        #expect(await all.next() == .connected)
        running.cancel()
        await running.value
    }

    @Test("every state is a phase; a domain is active by its XML, until a start has failed")
    func phases() async throws {
        try await Self.with { daemon, source, _ in
            let answer = Mutex((xml: "", state: virDomainState.running, reason: Int32(0)))
            daemon.serve(Remote.DOMAIN_GET_XML_DESC) { _ in
                .init(xml: XDRString(answer.withLock(\.xml)))
            }
            daemon.serve(Remote.DOMAIN_GET_STATE) { _ in
                answer.withLock { .init(state: $0.state.rawValue, reason: $0.reason) }
            }
            for (isActive, state, reason, expected) in Self.phases {
                let id = isActive ? " id='1'" : ""
                let xml = "<domain type='test'\(id)><name>vm</name></domain>"
                answer.withLock { $0 = (xml, state, reason) }
                let phase = try await source.read(Sample.vm(1))?.phase
                #expect(phase == expected, "\(isActive), \(state), \(reason)")
            }
        }
    }

    /// What the XML says, the state, its reason, and what that is.
    private static var phases: [(Bool, virDomainState, Int32, DomainPhase)] {
        let others: [(Bool, virDomainState, Int32, DomainPhase)] = [
            (true, .nostate, 0, .running), (true, .running, 0, .running),
            (true, .blocked, 0, .running), (true, .shutoff, 0, .off(nil)),
            (true, .shutdown, 0, .ending), (true, .crashed, 0, .crashed),
            (true, .pmsuspended, 0, .paused), (false, .running, 0, .off(nil)),
        ]
        let pauses: [(virDomainPausedReason, DomainPhase)] = [
            (.user, .paused), (.ioerror, .paused), (.watchdog, .paused), (.save, .paused),
            (.fromSnapshot, .paused), (.apiError, .paused), (.startingUp, .starting),
            (.migration, .moving), (.postcopy, .moving), (.postcopyFailed, .moving),
            (.crashed, .crashed),
        ]
        let ends: [(virDomainShutoffReason, RunEnd?)] = [
            (.shutdown, .ordinary), (.destroyed, .ordinary), (.saved, .ordinary),
            (.fromSnapshot, .ordinary), (.unknown, nil), (.crashed, .crashed),
            (.daemon, .crashed), (.failed, .failed), (.migrated, .migrated),
        ]
        return others + pauses.map { (true, .paused, $0.0.rawValue, $0.1) }
            + ends.map { (false, .shutoff, $0.0.rawValue, .off($0.1)) }
    }

    @Test(
        "that a run has begun, how it has ended and that a guest has crashed or rebooted is told with the event"
    )
    func incidents() async throws {
        try await Self.with { daemon, _, all in
            var notices = all.makeAsyncIterator()
            let ends: [(virDomainEventStoppedDetailType, RunEnd)] = [
                (.shutdown, .ordinary), (.destroyed, .ordinary), (.saved, .ordinary),
                (.fromSnapshot, .ordinary), (.crashed, .crashed), (.failed, .failed),
                (.migrated, .migrated),
            ]
            var expected: [DomainIncident?] = ends.map { .ended($0.1) }
            for (detail, _) in ends {
                try daemon.emitLifecycle(of: "vm", .stopped, detail: detail.rawValue)
            }
            for (type, incident) in [
                (virDomainEventType.started, .began), (.suspended, nil), (.resumed, nil),
                (.crashed, .crashed),
            ] as [(virDomainEventType, DomainIncident?)] {
                try daemon.emitLifecycle(of: "vm", type)
                expected.append(incident)
            }
            let began = [virDomainEventStartedDetailType.restored, .fromSnapshot, .migrated]
            for detail in began {
                try daemon.emitLifecycle(of: "vm", .started, detail: detail.rawValue)
                expected.append(detail == .migrated ? nil : .began)
            }
            for detail in [virDomainEventResumedDetailType.migrated, .postcopy] {
                try daemon.emitLifecycle(of: "vm", .resumed, detail: detail.rawValue)
                expected.append(.began)
            }
            try daemon.emit(.reboot, Remote.DOMAIN_EVENT_CALLBACK_REBOOT) { callback in
                let domain = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)
                return remote_domain_event_callback_reboot_msg(
                    callbackID: callback, msg: remote_domain_event_reboot_msg(dom: domain))
            }
            expected.append(.rebooted)
            for incident in expected {
                guard case .changed(_, _, let told) = await notices.next() else {
                    Issue.record("something else was told")
                    return
                }
                #expect(told == incident)
            }
        }
    }
}

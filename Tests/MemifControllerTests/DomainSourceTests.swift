import Foundation
import LibvirtProtocol
import LibvirtTesting
import MemifController
import Synchronization
import Testing
import XDR

@Suite("Domains of a libvirt daemon that comes and goes", .timeLimit(.minutes(2)))
struct DomainSourceTests {
    /// A made-up daemon, a source that is connected to it, and what the source says next.
    private static func with(
        _ body: (FakeLibvirtd, LibvirtDomainSource, AsyncStream<SourceNotice>) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        let daemon = try FakeLibvirtd.start(at: path)
        defer { daemon.stop() }
        let source = LibvirtDomainSource(uri: daemon.uri)
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
        "that a run has begun, how it has ended and that a guest has crashed is told with the event"
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

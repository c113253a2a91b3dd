import Logging
import Synchronization
import Testing

@testable import LinuxIO
@testable import MemifController
@testable import virtwired

@Suite("Signs of life", .serialized, .timeLimit(.minutes(4)))
struct WatchdogTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    @Test("an idle daemon gives them; one whose looks at domains hang gives none until they go on")
    func stuckLook() async throws {
        let scratch = try Scratch()
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        let source = HeldSource()
        var daemon = try Daemon(
            scratch.configuration, uri: "held:///", source: source, backend: FakeBackend(),
            logger: Self.logger)
        daemon.longestLook = 0.3
        let reported = daemon
        let service = try #require(
            try ServiceManager(
                socket: manager.path, watchdogMicroseconds: "40000", watchdogProcess: nil))
        let serving = Task { try await reported.run() }
        let reports = Task {
            await ServiceReports(service, logger: Self.logger).run(reported)
        }
        let life = SignsOfLife(limit: .milliseconds(500))
        let watch = Task { await life.watch(reported, every: .milliseconds(20)) }

        var signs: Int { manager.lines.count { $0 == "WATCHDOG=1" } }
        #expect(await eventually { signs >= 5 })
        // The look hangs, as it would in a lock that is never freed.
        source.hold()
        #expect(await eventually { daemon.statistics().longestLook > 0.3 })
        let before = signs
        #expect(await eventually { daemon.statistics().longestLook > 1.5 })
        #expect(life.problem?.contains("looks at domains have made no progress") == true)
        // One may have been on its way.
        #expect(signs <= before + 1)
        source.release()
        let after = signs
        #expect(await eventually { signs >= after + 3 })
        #expect(await eventually { life.problem == nil })

        watch.cancel()
        await watch.value
        reports.cancel()
        serving.cancel()
        await reports.value
        try await serving.value
    }

    @Test("looks that are due and never begin are no progress")
    func stalledLoop() async {
        let loop = ReconcileLoop()
        #expect(loop.load.stalled == 0)
        loop.mark(Sample.vm(1), .event)
        #expect(await eventually { loop.load.stalled > 0.05 })
        let task = Task { await loop.run { _, _ in .settled(lookAgainAfter: nil) } }
        #expect(await eventually { loop.isIdle })
        #expect(loop.load.stalled == 0)
        task.cancel()
        await task.value
    }
}

/// A hypervisor with one domain, of which it answers nothing while it is held.
private final class HeldSource: DomainSource {
    private struct State {
        var notify: (@Sendable (SourceNotice) -> Void)?
        var isHeld = false
    }

    private let state = Mutex(State())
    private let gate = AsyncStream.makeStream(of: Void.self)

    /// Has the domain looked at, and the look hang.
    func hold() {
        let notify = state.withLock { state in
            state.isHeld = true
            return state.notify
        }
        notify?(.changed(Sample.vm(1), cause: EventCause("defined")))
    }

    func release() {
        state.withLock { $0.isHeld = false }
        gate.continuation.finish()
    }

    func run(_ notify: @escaping @Sendable (SourceNotice) -> Void) async {
        state.withLock { $0.notify = notify }
        notify(.connected)
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
    }

    func list(_ scope: DomainScope) async throws(DomainSourceError) -> [DomainListing] {
        [DomainListing(vm: Sample.vm(1), name: "held")]
    }

    func read(_ vm: VMIdentifier) async throws(DomainSourceError) -> DomainReading? {
        if state.withLock(\.isHeld) { for await _ in gate.stream {} }
        return DomainReading(
            name: "held", phase: .off(nil), xml: Sample.xml("", name: "held", vm: vm))
    }
}

import Testing

@testable import MemifController

@Suite("How a run begins and ends")
struct RunStateTests {
    private let now = ContinuousClock.now
    private let earlier = ContinuousClock.now - .seconds(60)

    @Test(
        "whatever runs, or stands still and may go on, runs",
        arguments: [DomainPhase.running, .paused, .crashed, .ending])
    func running(phase: DomainPhase) {
        for state in [RunState.idle, .arriving(after: nil), .running, .down(since: now), .left] {
            #expect(state.next(phase, now: now) == .running)
        }
    }

    @Test("a run that ends leaves a linger, unless the domain goes on elsewhere")
    func ends() {
        for end in [RunEnd.ordinary, .crashed, .failed, nil] {
            #expect(RunState.running.next(.off(end), now: now) == .down(since: now))
            #expect(
                RunState.down(since: earlier).next(.off(end), now: now) == .down(since: earlier))
            #expect(RunState.idle.next(.off(end), now: now) == .idle)
            // Who asks again after the reason is forgotten is told the same.
            #expect(RunState.left.next(.off(end), now: now) == .left)
        }
        for state in [RunState.idle, .arriving(after: now), .running, .down(since: now), .left] {
            #expect(state.next(.off(.migrated), now: now) == .left)
        }
        #expect(RunState.left.remaining(of: .seconds(60), now: now) == nil)
    }

    @Test(
        "what is started or comes from elsewhere and never runs was never here",
        arguments: [DomainPhase.starting, .moving])
    func arriving(phase: DomainPhase) {
        #expect(RunState.idle.next(phase, now: now) == .arriving(after: nil))
        #expect(RunState.left.next(phase, now: now) == .arriving(after: nil))
        #expect(RunState.down(since: earlier).next(phase, now: now) == .arriving(after: earlier))
        let arriving = RunState.arriving(after: earlier)
        #expect(arriving.isActive && arriving.next(phase, now: now) == arriving)
        #expect(arriving.next(.off(.failed), now: now) == .down(since: earlier))
        #expect(RunState.arriving(after: nil).next(.off(.failed), now: now) == .idle)
        #expect(arriving.next(.running, now: now) == .running)
        // What runs is on its way out.
        #expect(RunState.running.next(phase, now: now) == .running)
    }
}

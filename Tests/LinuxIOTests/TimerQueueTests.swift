import Synchronization
import Testing

@testable import LinuxIO

@Suite("Timer queues")
struct TimerQueueTests {
    @Test("agree with a sorted list, whatever is set and unset", arguments: [1, 2, 3])
    func model(seed: UInt64) {
        var random = SplitMix(state: seed)
        let start = ContinuousClock.now
        var queue = TimerQueue()
        var model: [EventLoop.Timer] = []
        var gone: [EventLoop.Timer] = []
        let fired = Recorder<UInt64>()
        for token in 1...2000 as ClosedRange<UInt64> {
            let deadline = start + .milliseconds(Int.random(in: 0..<50, using: &random))
            let timer = EventLoop.Timer(deadline: deadline, token: token)
            queue.insert(timer) { fired.append(token) }
            model.append(timer)
            if Bool.random(using: &random), let victim = model.randomElement(using: &random) {
                #expect(queue.remove(victim) != nil)
                #expect(queue.remove(victim) == nil)
                model.removeAll { $0 == victim }
                gone.append(victim)
            }
            #expect(queue.nextDeadline == model.map(\.deadline).min())
        }
        let middle = start + .milliseconds(25)
        while let body = queue.popFirst(dueAt: middle) { body() }
        let due = model.filter { $0.deadline <= middle }.sorted()
        #expect(fired.all == due.map(\.token), "seed \(seed)")
        for timer in gone + due { #expect(queue.remove(timer) == nil) }
    }
}

/// Random numbers that a seed decides. Source: Steele et al., "Fast splittable pseudorandom number
/// generators".
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

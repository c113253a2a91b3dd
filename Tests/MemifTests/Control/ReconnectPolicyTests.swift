import Testing

@testable import Memif

@Suite("When a slave tries again")
struct ReconnectPolicyTests {
    @Test("pauses double up to the longest, each shorter by chance")
    func pauses() {
        var generator = SeededGenerator()
        let policy = ReconnectPolicy(
            firstPause: .milliseconds(100), longestPause: .seconds(5), jitter: 0.5)
        for count in [1, 2, 3, 6, 7, 1_000_000] {
            let most = min(Duration.milliseconds(100 << min(count - 1, 6)), .seconds(5))
            let pauses = (0..<200).map { _ in
                policy.pause(afterFailures: count, using: &generator)
            }
            #expect(
                pauses.allSatisfy { $0 <= most && $0 >= most * 0.49 },
                "after \(count), seed \(generator.seed)")
            // They are spread over all of it.
            #expect(Set(pauses).count > 100, "seed \(generator.seed)")
            #expect(pauses.max() ?? .zero > most * 0.8, "seed \(generator.seed)")
            #expect(pauses.min() ?? most < most * 0.7, "seed \(generator.seed)")
        }
    }

    @Test(
        "nothing is left to chance where none is wanted, and no more than all",
        arguments: [-1.0, 0, 1, 9])
    func extremes(jitter: Double) {
        var generator = SeededGenerator()
        let policy = ReconnectPolicy(
            firstPause: .seconds(1), longestPause: .seconds(1), jitter: jitter)
        let pauses = (0..<50).map { _ in policy.pause(afterFailures: 1, using: &generator) }
        #expect(pauses.allSatisfy { $0 >= .zero && $0 <= .seconds(1) })
        #expect((Set(pauses).count == 1) == (jitter <= 0), "seed \(generator.seed)")
    }

    @Test("a pause is never negative nor longer than the longest, whatever is asked for")
    func absurd() {
        var generator = SeededGenerator()
        let jitters: [Double] = [-.infinity, .nan, 0.5, .infinity]
        let durations: [Duration] = [
            .seconds(Int64.min), .seconds(-1), .zero, .nanoseconds(1), .seconds(Int64.max),
        ]
        for first in durations {
            for longest in durations {
                for jitter in jitters {
                    let policy = ReconnectPolicy(
                        firstPause: first, longestPause: longest, jitter: jitter)
                    for count in [Int.min, 0, 1, 100, 1000] {
                        let pause = policy.pause(afterFailures: count, using: &generator)
                        // A fraction of so long a time is as exact as a Double.
                        #expect(pause >= .zero && pause <= max(longest, .zero) * 1.001)
                    }
                }
            }
        }
    }
}

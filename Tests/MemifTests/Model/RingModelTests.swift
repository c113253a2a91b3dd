import Memif
import Testing

/// Every interleaving of two processors on a small ring.
@Suite("The ring protocol, every interleaving")
struct RingModelTests {
    private static let shapes: [(UInt16, UInt8, UInt16)] = [
        (1, 3, 1), (2, 4, 1), (2, 4, 2), (4, 4, 3),
    ]

    static let rules: [RingModel.Rules] = RingDirection.allCases.flatMap { direction in
        shapes.map { size, frames, burst in
            var rules = RingModel.Rules()
            rules.direction = direction
            rules.ringSize = size
            rules.frames = frames
            rules.burst = burst
            rules.start = 65_535 &- size / 2
            return rules
        }
    }

    @Test("no frame is lost, repeated or out of turn, and no wake-up is lost", arguments: rules)
    func right(_ rules: RingModel.Rules) throws {
        let count = try RingModel.explore(rules)
        #expect(count > 100)
    }

    /// What goes wrong when one thing is taken out.
    private func problem(
        _ direction: RingDirection, _ change: (inout RingModel.Rules) -> Void
    ) -> String? {
        var rules = RingModel.Rules()
        rules.direction = direction
        change(&rules)
        do throws(Wrong) {
            _ = try RingModel.explore(rules)
            return nil
        } catch {
            return error.text
        }
    }

    @Test("without the sender's barrier a wake-up is lost", arguments: RingDirection.allCases)
    func senderFence(_ direction: RingDirection) {
        #expect(problem(direction) { $0.senderHasFence = false } == "asleep beside frames")
    }

    @Test("without the receiver's barrier a wake-up is lost", arguments: RingDirection.allCases)
    func receiverFence(_ direction: RingDirection) {
        #expect(problem(direction) { $0.receiverHasFence = false } == "asleep beside frames")
    }

    @Test("without a second look a wake-up is lost", arguments: RingDirection.allCases)
    func secondLook(_ direction: RingDirection) {
        #expect(problem(direction) { $0.receiverLooksAgain = false } == "asleep beside frames")
    }

    @Test("an eventfd emptied after the look loses a wake-up", arguments: RingDirection.allCases)
    func lateDrain(_ direction: RingDirection) {
        #expect(problem(direction) { $0.receiverDrainsFirst = false } == "asleep beside frames")
    }

    @Test(
        "a sender of another make, without the barrier, is heard by the look a millisecond later",
        arguments: rules)
    func recheck(_ rules: RingModel.Rules) throws {
        var rules = rules
        rules.senderHasFence = false
        rules.receiverRechecks = true
        #expect(try RingModel.explore(rules) > 100)
    }

    @Test(
        "an index before its descriptor shows what is not there", arguments: RingDirection.allCases)
    func earlyIndex(_ direction: RingDirection) {
        #expect(
            problem(direction) { $0.senderFillsFirst = false }?.contains("in place of") == true)
    }

    @Test("a slot given back before it is read is overwritten", arguments: RingDirection.allCases)
    func earlyRelease(_ direction: RingDirection) {
        #expect(
            problem(direction) { $0.receiverReleasesLast = false }?.contains("in place of") == true)
    }
}

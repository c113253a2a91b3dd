import Testing

@testable import MemifController

@Suite("The queue of domains to look at")
struct ReconcileQueueTests {
    private let start = ContinuousClock.now

    private func queue() -> ReconcileQueue { ReconcileQueue(jitter: { _ in 1 }) }

    @Test("a domain is looked at once for any number of events, since the first of them")
    func once() {
        var queue = queue()
        queue.mark(Sample.vm(1), .event, now: start)
        queue.mark(Sample.vm(1), .event, now: start + .seconds(1))
        #expect(queue.next(now: start) == .look(Sample.vm(1), since: start))
        #expect(queue.next(now: start) == .wait(until: nil))
        #expect(!queue.isIdle)
        queue.finish(Sample.vm(1), .settled(lookAgainAfter: nil), now: start)
        #expect(queue.isIdle)
    }

    @Test("what happens during a look makes another, after it")
    func during() {
        var queue = queue()
        queue.mark(Sample.vm(1), .event, now: start)
        _ = queue.next(now: start)
        queue.mark(Sample.vm(1), .routine, now: start)
        #expect(queue.next(now: start) == .wait(until: nil))
        queue.finish(Sample.vm(1), .settled(lookAgainAfter: .seconds(9)), now: start)
        #expect(queue.next(now: start) == .look(Sample.vm(1), since: start))
    }

    @Test("while a domain is held no look at it begins; what happens meanwhile makes one after it")
    func held() {
        var queue = queue()
        queue.mark(Sample.vm(1), .routine, now: start)
        let isHeld = queue.hold(Sample.vm(1))
        #expect(isHeld && !queue.isIdle)
        let isHeldTwice = queue.hold(Sample.vm(1))
        #expect(!isHeldTwice)
        queue.mark(Sample.vm(1), .event, now: start)
        queue.mark(Sample.vm(2), .routine, now: start)
        #expect(queue.next(now: start) == .look(Sample.vm(2), since: start))
        #expect(queue.next(now: start) == .wait(until: nil))
        queue.finish(Sample.vm(1), .settled(lookAgainAfter: nil), now: start)
        #expect(queue.next(now: start) == .look(Sample.vm(1), since: start))
        let isHeldInLook = queue.hold(Sample.vm(1))
        #expect(!isHeldInLook)
    }

    @Test("events go before routine, and the oldest first")
    func order() {
        var queue = queue()
        for number: UInt8 in [1, 2, 3] { queue.mark(Sample.vm(number), .routine, now: start) }
        queue.mark(Sample.vm(4), .event, now: start)
        queue.mark(Sample.vm(2), .event, now: start)
        let order = (0..<4).map { _ in queue.next(now: start) }
        #expect(order == [4, 2, 1, 3].map { .look(Sample.vm($0), since: start) })
    }

    @Test("failures wait twice as long each time, up to a limit; an event ends the wait")
    func backOff() {
        var queue = queue()
        queue.mark(Sample.vm(1), .event, now: start)
        var now = start
        var waits: [Duration] = []
        for _ in 0..<12 {
            #expect(queue.next(now: now) != .wait(until: nil))
            queue.finish(Sample.vm(1), .failed(lookAgainAfter: nil), now: now)
            guard case .wait(let until?) = queue.next(now: now) else {
                Issue.record("no wait after a failure")
                return
            }
            waits.append(now.duration(to: until))
            now = until
        }
        let first: [Duration] = (0..<8).map { .milliseconds(200 << $0) }
        #expect(Array(waits.prefix(8)) == first)
        #expect(waits.dropFirst(8).allSatisfy { $0 == .seconds(30) })
        queue.mark(Sample.vm(1), .event, now: now)
        #expect(queue.next(now: now) == .look(Sample.vm(1), since: now))
        queue.finish(Sample.vm(1), .failed(lookAgainAfter: nil), now: now)
        #expect(queue.next(now: now) == .wait(until: now + .milliseconds(200)))
    }

    @Test("what is found at each poll does not end a failure's wait; looking at everything does")
    func patience() {
        var queue = queue()
        queue.mark(Sample.vm(1), .patient, now: start)
        #expect(queue.next(now: start) == .look(Sample.vm(1), since: start))
        // Found again during the look, and after it.
        queue.mark(Sample.vm(1), .patient, now: start)
        queue.finish(Sample.vm(1), .failed(lookAgainAfter: nil), now: start)
        queue.mark(Sample.vm(1), .patient, now: start)
        let due = start + .milliseconds(200)
        #expect(queue.next(now: start) == .wait(until: due))
        #expect(queue.next(now: due) == .look(Sample.vm(1), since: due))
        queue.finish(Sample.vm(1), .failed(lookAgainAfter: nil), now: due)
        queue.mark(Sample.vm(1), .routine, now: due)
        #expect(queue.next(now: due) == .look(Sample.vm(1), since: due))
        queue.finish(Sample.vm(1), .settled(lookAgainAfter: nil), now: due)
        // Nothing has failed since.
        queue.mark(Sample.vm(1), .patient, now: due)
        #expect(queue.next(now: due) == .look(Sample.vm(1), since: due))
    }

    @Test("what has an end of its own does not wait for what has failed beside it")
    func failureBesideLinger() {
        var queue = queue()
        var now = start
        queue.mark(Sample.vm(1), .event, now: now)
        for linger: Duration in [.milliseconds(50), .seconds(60), .milliseconds(100)] {
            guard case .look = queue.next(now: now) else {
                Issue.record("nothing to look at")
                return
            }
            queue.finish(Sample.vm(1), .failed(lookAgainAfter: linger), now: now)
            // 200 and 400 milliseconds, and 800.
            now += min(linger, .milliseconds(400))
            #expect(queue.next(now: now - .milliseconds(1)) == .wait(until: now))
        }
    }

    @Test("a linger's end is looked at when it comes; what cannot be asked is not tried again")
    func later() {
        var queue = queue()
        queue.mark(Sample.vm(1), .event, now: start)
        _ = queue.next(now: start)
        queue.finish(Sample.vm(1), .settled(lookAgainAfter: .seconds(5)), now: start)
        #expect(queue.next(now: start) == .wait(until: start + .seconds(5)))
        let then = start + .seconds(5)
        #expect(queue.next(now: then) == .look(Sample.vm(1), since: then))
        queue.finish(Sample.vm(1), .unavailable, now: then)
        #expect(queue.next(now: then) == .wait(until: nil))
        #expect(queue.depth == 0)
    }

    @Test("any sequence of marks is answered, and no domain is ever looked at twice at once")
    func random() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var queue = queue()
        var now = start
        var running: Set<VMIdentifier> = []
        var unanswered: Set<VMIdentifier> = []
        for _ in 0..<5000 {
            now += .milliseconds(Int.random(in: 0...50, using: &random))
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let vm = Sample.vm(UInt8.random(in: 0..<20, using: &random))
                queue.mark(vm, Bool.random(using: &random) ? .event : .routine, now: now)
                unanswered.insert(vm)
            case 1:
                if case .look(let vm, _) = queue.next(now: now) {
                    #expect(running.insert(vm).inserted, "seed \(seed)")
                    unanswered.remove(vm)
                }
            default:
                guard let vm = running.sorted().randomElement(using: &random) else { continue }
                running.remove(vm)
                let outcomes: [ReconcileQueue.Outcome] = [
                    .failed(lookAgainAfter: nil), .settled(lookAgainAfter: nil),
                    .settled(lookAgainAfter: .seconds(1)), .failed(lookAgainAfter: .seconds(1)),
                    .unavailable,
                ]
                queue.finish(vm, outcomes.randomElement(using: &random) ?? .unavailable, now: now)
            }
        }
        for vm in running { queue.finish(vm, .settled(lookAgainAfter: nil), now: now) }
        while case .look(let vm, _) = queue.next(now: now) {
            unanswered.remove(vm)
            queue.finish(vm, .settled(lookAgainAfter: nil), now: now)
        }
        #expect(unanswered.isEmpty, "seed \(seed)")
    }
}

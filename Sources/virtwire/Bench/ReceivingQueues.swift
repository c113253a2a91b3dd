internal import LinuxIO
internal import Memif

/// All receive queues of a link, looked at by one thread: a peer answers on whichever it likes.
struct ReceivingQueues: ~Copyable {
    private final class Member {
        var queue: ReceiveQueue

        init(_ queue: consuming ReceiveQueue) { self.queue = queue }
    }

    private let members: [Member]
    private let poller: Poller
    private var batch = FrameBatch(frameCapacity: 64)

    private init(_ members: [Member], _ poller: consuming Poller) {
        self.members = members
        self.poller = poller
    }

    /// Takes them.
    ///
    /// - Returns: nil when one is taken already.
    /// - Throws: `LinkEnd` when descriptors have run out.
    static func take(of link: MemifLink) throws(LinkEnd) -> ReceivingQueues? {
        var members: [Member] = []
        for index in 0..<link.receiveQueueCount {
            guard let queue = link.takeReceiveQueue(index, mode: .interrupt) else { return nil }
            members.append(Member(queue))
        }
        do throws(SystemError) {
            let poller = try Poller()
            for member in members {
                try poller.add(member.queue.interrupt.descriptor, for: .readable, token: 0)
            }
            return ReceivingQueues(members, poller)
        } catch {
            throw LinkEnd(.system, DisconnectReason(.systemFailure, error.description))
        }
    }

    /// Passes what comes to a closure until it finds what it looks for, or the time is over.
    ///
    /// - Parameter mayGoOn: is asked now and then.
    mutating func find<Found>(
        until end: ContinuousClock.Instant, while mayGoOn: () -> Bool,
        _ find: ([UInt8]) -> Found?
    ) throws(LinkEnd) -> Found? {
        while mayGoOn(), ContinuousClock.now < end {
            var isIdle = true
            for member in members {
                for index in 0..<(try member.queue.receiveBurst(into: &batch)) {
                    isIdle = false
                    if let found = find(batch.bytes(of: index)) { return found }
                }
            }
            if isIdle { wait() }
        }
        return nil
    }

    /// Takes what comes, so that no ring fills.
    mutating func discard(
        until end: ContinuousClock.Instant, while mayGoOn: () -> Bool
    ) throws(LinkEnd) {
        _ = try find(until: end, while: mayGoOn) { _ in Never?.none }
    }

    /// Sleeps until a queue may have something, and no longer than a moment.
    private func wait() {
        let moment: Int32 = 20
        if members.count == 1 {
            _ = members[0].queue.waitForFrames(milliseconds: moment)
            return
        }
        let sleepers = members.prefix { $0.queue.armInterrupt() }
        if sleepers.count == members.count {
            for milliseconds in [ReceiveQueue.recheckDelay, moment] {
                let count = try? poller.wait(milliseconds: milliseconds) { _, _ in }
                if count != 0 || members.contains(where: { $0.queue.hasNews }) { break }
            }
        }
        for member in sleepers { member.queue.disarmInterrupt() }
    }
}

/// Timers in the order in which they are due; of two that are due at once, the one set first.
///
/// A sorted array: a loop has few timers, and new ones are mostly due after those set before.
struct TimerQueue {
    private struct Entry {
        let timer: EventLoop.Timer
        let body: @Sendable () -> Void
    }

    private var entries: [Entry] = []

    /// When the first timer is due.
    var nextDeadline: ContinuousClock.Instant? { entries.first?.timer.deadline }

    /// How long until then, in milliseconds for `epoll_wait`; -1 where there is no timer.
    func millisecondsToNext() -> Int32 {
        guard let nextDeadline else { return -1 }
        let left = ContinuousClock.now.duration(to: nextDeadline)
        guard left > .zero else { return 0 }
        // A wait of a day at most: the loop then looks again.
        let (seconds, attoseconds) = min(left, .seconds(86400)).components
        // Rounded up, so that the timer is due when the wait ends and the loop does not spin.
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    mutating func insert(_ timer: EventLoop.Timer, _ body: @escaping @Sendable () -> Void) {
        entries.insert(Entry(timer: timer, body: body), at: index(of: timer))
    }

    /// Takes a timer out. The caller lets go of the body outside any lock: what it captured may
    /// have a deinit that comes back to the loop.
    mutating func remove(_ timer: EventLoop.Timer) -> (@Sendable () -> Void)? {
        let index = index(of: timer)
        guard index < entries.count, entries[index].timer == timer else { return nil }
        return entries.remove(at: index).body
    }

    /// Takes out the first timer, if it is due.
    mutating func popFirst(dueAt now: ContinuousClock.Instant) -> (@Sendable () -> Void)? {
        guard let deadline = nextDeadline, deadline <= now else { return nil }
        return entries.removeFirst().body
    }

    /// Where the timer stands, or would stand.
    private func index(of timer: EventLoop.Timer) -> Int {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].timer < timer { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Which domains are to be looked at, and when: each at most once at a time.
///
/// It holds identities only. An event adds one; what the event said is forgotten, because what
/// counts is what a look finds. Time comes from the caller, so that tests own it.
struct ReconcileQueue {
    typealias Instant = ContinuousClock.Instant

    /// Why a domain is in the queue. Something that happened goes before routine.
    enum Urgency: Int, Comparable, Sendable {
        /// Found again and again for as long as it is so: it does not end a failure's wait.
        case patient
        case routine
        case event

        static func < (left: Urgency, right: Urgency) -> Bool { left.rawValue < right.rawValue }
    }

    /// How a look ended.
    enum Outcome: Sendable, Hashable {
        /// All is as wanted; look again after a while if one is given.
        case settled(lookAgainAfter: Duration?)
        /// Something failed that may go better later; look again no later than after the while that is given:
        /// the end of a linger does not wait for what has failed.
        case failed(lookAgainAfter: Duration?)
        /// Nothing could be asked; the next connection looks at everything anyway.
        case unavailable
    }

    /// What to do next.
    enum Next: Equatable, Sendable {
        /// Look at this domain; `since` is when the first unanswered event came.
        case look(VMIdentifier, since: Instant)
        /// Nothing before this instant; nil: nothing at all.
        case wait(until: Instant?)
    }

    private struct Entry {
        /// Since when it is marked, and how urgently; nil when it is not.
        var mark: (since: Instant, urgency: Urgency)?
        /// A look that is due by the clock alone.
        var dueAt: Instant?
        var isRunning = false
        var failures = 0
    }

    private var entries: [VMIdentifier: Entry] = [:]
    /// Marked and not running, by urgency, oldest first; one whose mark has gone or has become more
    /// urgent is skipped when it is met.
    private var lines: [Urgency: Line] = [.routine: Line(), .event: Line()]
    /// No later than the earliest `dueAt` of any.
    private var earliestDue: Instant?
    private let jitter: @Sendable (Int) -> Double

    /// The first wait after a failure, doubled with each that follows.
    static let firstBackOff = Duration.milliseconds(200)
    /// The longest wait after a failure.
    static let longestBackOff = Duration.seconds(30)

    /// - Parameter jitter: a factor from 0.8 to 1.2 for the wait after the n-th failure, so that
    ///   domains that failed together are not tried together.
    init(
        jitter: @escaping @Sendable (Int) -> Double = { _ in Double.random(in: 0.8...1.2) }
    ) {
        self.jitter = jitter
    }

    /// How many domains wait for a look that is due.
    var depth: Int { entries.values.count { $0.mark != nil } }

    /// Since when the domain has waited that has waited longest; nil when none waits.
    // No key path: where it is not optimised away, the address sanitizer objects to how the library follows it.
    var oldestMark: Instant? { entries.values.compactMap { $0.mark?.since }.min() }

    /// Whether nothing is marked and nothing runs.
    var isIdle: Bool { !entries.values.contains { $0.mark != nil || $0.isRunning } }

    /// Something happened, or everything is looked at: a failure's wait is over, unless the mark is patient.
    mutating func mark(_ vm: VMIdentifier, _ urgency: Urgency, now: Instant) {
        var entry = entries[vm] ?? Entry()
        let waits = entry.failures > 0 && entry.dueAt != nil
        if urgency == .patient, entry.isRunning || waits { return }
        // It has no line of its own: what may go on now is as any other.
        let urgency = max(urgency, .routine)
        if urgency == .event { entry.failures = 0 }
        let before = entry.mark
        entry.mark = (before?.since ?? now, max(before?.urgency ?? urgency, urgency))
        entry.dueAt = nil
        entries[vm] = entry
        if let mark = entry.mark, !entry.isRunning, mark.urgency != before?.urgency {
            lines[mark.urgency]?.append(vm)
        }
    }

    /// Takes what is most urgent, and of that the oldest.
    mutating func next(now: Instant) -> Next {
        promoteDue(now: now)
        for urgency in [Urgency.event, .routine] {
            while let vm = lines[urgency]?.popFirst() {
                guard let mark = entries[vm]?.mark, mark.urgency == urgency,
                    entries[vm]?.isRunning == false
                else { continue }
                entries[vm]?.mark = nil
                entries[vm]?.isRunning = true
                return .look(vm, since: mark.since)
            }
        }
        return .wait(until: earliestDue)
    }

    /// Has no look at a domain begin before ``finish(_:_:now:)``, because something else is done for it.
    ///
    /// - Returns: false where a look is under way.
    mutating func hold(_ vm: VMIdentifier) -> Bool {
        if entries[vm]?.isRunning == true { return false }
        entries[vm, default: Entry()].isRunning = true
        return true
    }

    private mutating func promoteDue(now: Instant) {
        guard let earliest = earliestDue, earliest <= now else { return }
        for (vm, entry) in entries.sorted(by: { $0.key < $1.key }) {
            if let dueAt = entry.dueAt, dueAt <= now { mark(vm, .routine, now: dueAt) }
        }
        earliestDue = entries.values.lazy.compactMap(\.dueAt).min()
    }

    /// Says how a look ended. A mark that came meanwhile stands, and overrides any wait.
    mutating func finish(_ vm: VMIdentifier, _ outcome: Outcome, now: Instant) {
        guard var entry = entries[vm] else { return }
        entry.isRunning = false
        var delay: Duration?
        switch outcome {
        case .settled(let lookAgainAfter):
            entry.failures = 0
            delay = lookAgainAfter
        case .failed(let lookAgainAfter):
            entry.failures += 1
            let pause = backOff(entry.failures)
            delay = min(pause, lookAgainAfter ?? pause)
        case .unavailable:
            break
        }
        if let mark = entry.mark {
            lines[mark.urgency]?.append(vm)
        } else if let delay {
            let dueAt = now + delay
            entry.dueAt = dueAt
            earliestDue = min(earliestDue ?? dueAt, dueAt)
        }
        entries[vm] = entry.mark == nil && entry.dueAt == nil ? nil : entry
    }

    private func backOff(_ failures: Int) -> Duration {
        let doubled = Self.firstBackOff * (1 << min(failures - 1, 16))
        return min(doubled, Self.longestBackOff) * jitter(failures)
    }
}

/// First in, first out.
private struct Line {
    private var waiting: [VMIdentifier] = []
    private var served = 0

    mutating func append(_ vm: VMIdentifier) { waiting.append(vm) }

    mutating func popFirst() -> VMIdentifier? {
        guard served < waiting.count else { return nil }
        defer {
            served += 1
            if served == waiting.count {
                waiting.removeAll(keepingCapacity: true)
                served = 0
            }
        }
        return waiting[served]
    }
}

extension ReconcileQueue.Outcome {
    /// As statistics have it.
    var result: ControllerStatistics.LookResult {
        switch self {
        case .settled: .settled
        case .failed: .failed
        case .unavailable: .unavailable
        }
    }
}

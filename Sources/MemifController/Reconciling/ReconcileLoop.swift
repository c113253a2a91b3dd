internal import LinuxIO
internal import Synchronization

/// Drives a queue: looks at one domain after another, several at a time, each once at a time.
///
/// A look may wait for a disk, or for an account service that does not answer. So looks have threads of their
/// own, and one that lasts long makes room for another.
final class ReconcileLoop: Sendable {
    private struct State {
        var queue = ReconcileQueue()
        /// The looks under way, and since when they are.
        var running: [VMIdentifier: ContinuousClock.Instant] = [:]
        /// The domains that something else is done for, and since when: they take the place of no look.
        var held: [VMIdentifier: ContinuousClock.Instant] = [:]
        /// When a look began or ended last.
        var progress = ContinuousClock.now
        var armed: ContinuousClock.Instant?
        /// Who waits for a look that has not begun, and for one that has.
        var waiting: [VMIdentifier: [CheckedContinuation<Void, Never>]] = [:]
        var served: [VMIdentifier: [CheckedContinuation<Void, Never>]] = [:]
        var hasEnded = false

        /// What to look at now, or when to ask again although nothing may have happened.
        mutating func next(
            now: ContinuousClock.Instant
        ) -> ((VMIdentifier, ContinuousClock.Instant)?, alarm: ContinuousClock.Instant?) {
            if let room = roomAt(now: now), room > now { return (nil, arm(room)) }
            guard running.count < ReconcileLoop.mostWaiting else { return (nil, nil) }
            switch queue.next(now: now) {
            case .look(let vm, let since):
                running[vm] = now
                progress = now
                served[vm] = waiting.removeValue(forKey: vm)
                return ((vm, since), nil)
            case .wait(let until): return (nil, until.flatMap { arm($0) })
            }
        }

        /// When the number of looks that do not wait for anything is below the limit again, if no other ends
        /// before that; nil when it is.
        private func roomAt(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
            let ends = running.values.map { $0 + ReconcileLoop.patience }.filter { $0 > now }
            return ends.count < ReconcileLoop.mostAtOnce ? nil : ends.min()
        }

        /// The moment, unless it is waited for one that is no later already.
        private mutating func arm(
            _ moment: ContinuousClock.Instant
        ) -> ContinuousClock.Instant? {
            if let armed, armed <= moment { return nil }
            armed = moment
            return moment
        }
    }

    private let threads: WaitingThreads
    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// How many domains are looked at at once: within the calls that a libvirt daemon takes from one
    /// connection before it stops reading.
    static let mostAtOnce = 4
    /// How long a look lasts before it is taken to wait for something that others may not need.
    static let patience = Duration.seconds(2)
    /// How many are under way at once with those.
    static let mostWaiting = 32

    /// - Parameter threads: what looks are to run on.
    init(on threads: WaitingThreads = WaitingThreads()) {
        self.threads = threads
        (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Has a domain looked at soon.
    func mark(_ vm: VMIdentifier, _ urgency: ReconcileQueue.Urgency) {
        state.withLock { $0.queue.mark(vm, urgency, now: .now) }
        wake.yield()
    }

    /// Has a domain looked at soon, and returns after that look: at once when there will be none.
    func look(at vm: VMIdentifier) async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if state.hasEnded { return true }
                state.waiting[vm, default: []].append(continuation)
                state.queue.mark(vm, .event, now: .now)
                return false
            }
            if hasEnded { continuation.resume() } else { wake.yield() }
        }
    }

    /// Has no look at a domain begin before ``release(_:)``, because something else is done for it: that counts
    /// as one for ``load``, and not for how many are under way at once.
    ///
    /// - Returns: false where a look is under way.
    func hold(_ vm: VMIdentifier) -> Bool {
        state.withLock { state in
            guard state.queue.hold(vm) else { return false }
            state.held[vm] = .now
            return true
        }
    }

    /// Lets looks at a domain begin after ``hold(_:)``.
    func release(_ vm: VMIdentifier) { finish(vm, .settled(lookAgainAfter: nil)) }

    /// Whether nothing waits for a look and none is under way.
    var isIdle: Bool { state.withLock { $0.queue.isIdle } }

    /// How many domains wait for a look; how many seconds the longest wait and the longest look under way have
    /// lasted; and for how many some have waited while no look has begun or ended.
    var load: (depth: Int, longestWait: Double, longestLook: Double, stalled: Double) {
        state.withLock { state in
            let begun = [state.running.values.min(), state.held.values.min()].compactMap(\.self)
            func seconds(since start: ContinuousClock.Instant?) -> Double {
                (start?.duration(to: .now) ?? .zero) / .seconds(1)
            }
            let oldest = state.queue.oldestMark
            return (
                state.queue.depth, seconds(since: oldest),
                seconds(since: begun.min()),
                seconds(since: oldest.map { max($0, state.progress) })
            )
        }
    }

    /// Looks, for ever; ends when its task is cancelled, after the looks that are under way.
    func run(
        _ look:
            @escaping @Sendable (VMIdentifier, ContinuousClock.Instant) async ->
            ReconcileQueue.Outcome
    ) async {
        await withDiscardingTaskGroup { group in
            for await _ in wakes {
                while let (vm, since) = next(&group) {
                    group.addTask(executorPreference: threads) {
                        let outcome = await look(vm, since)
                        self.finish(vm, outcome)
                    }
                }
            }
        }
        end()
    }

    /// Returns when ``run(_:)`` has, or after a while: a look may never end. Whoever waits for one waits no
    /// longer then.
    func waitForEnd(within limit: Duration) async {
        _ = await wait(until: .now + limit) { state.withLock(\.hasEnded) }
        end()
    }

    private func end() {
        let left = state.withLock { state in
            state.hasEnded = true
            defer { (state.waiting, state.served) = ([:], [:]) }
            return state.waiting.values.joined() + Array(state.served.values.joined())
        }
        for continuation in left { continuation.resume() }
    }

    /// The next domain to look at; nil when none is due, or as many are under way as may be.
    private func next(
        _ group: inout DiscardingTaskGroup
    ) -> (VMIdentifier, ContinuousClock.Instant)? {
        let (found, alarm) = state.withLock { state in state.next(now: .now) }
        if let alarm {
            group.addTask {
                try? await Task.sleep(until: alarm, clock: .continuous)
                self.state.withLock { state in
                    if state.armed == alarm { state.armed = nil }
                }
                self.wake.yield()
            }
        }
        return found
    }

    private func finish(_ vm: VMIdentifier, _ outcome: ReconcileQueue.Outcome) {
        let served = state.withLock { state in
            state.running[vm] = nil
            state.held[vm] = nil
            state.progress = .now
            state.queue.finish(vm, outcome, now: .now)
            return state.served.removeValue(forKey: vm) ?? []
        }
        for continuation in served { continuation.resume() }
        wake.yield()
    }
}

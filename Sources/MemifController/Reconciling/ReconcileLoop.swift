internal import Synchronization

/// Drives a queue: looks at one domain after another, several at a time, each once at a time.
final class ReconcileLoop: Sendable {
    private struct State {
        var queue = ReconcileQueue()
        /// The looks under way, and since when they are.
        var running: [VMIdentifier: ContinuousClock.Instant] = [:]
        /// When a look began or ended last.
        var progress = ContinuousClock.now
        var armed: ContinuousClock.Instant?
        /// Who waits for a look that has not begun, and for one that has.
        var waiting: [VMIdentifier: [CheckedContinuation<Void, Never>]] = [:]
        var served: [VMIdentifier: [CheckedContinuation<Void, Never>]] = [:]
        var hasEnded = false
    }

    private let state = Mutex(State())
    private let wakes: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    /// How many domains are looked at at once: within the calls that a libvirt daemon takes from one
    /// connection before it stops reading.
    static let mostAtOnce = 4

    init() {
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

    /// Whether nothing waits for a look and none is under way.
    var isIdle: Bool { state.withLock { $0.queue.isIdle } }

    /// How many domains wait for a look; how many seconds the longest wait and the longest look under way have
    /// lasted; and for how many some have waited while no look has begun or ended.
    var load: (depth: Int, longestWait: Double, longestLook: Double, stalled: Double) {
        state.withLock { state in
            func seconds(since start: ContinuousClock.Instant?) -> Double {
                (start?.duration(to: .now) ?? .zero) / .seconds(1)
            }
            let oldest = state.queue.oldestMark
            return (
                state.queue.depth, seconds(since: oldest),
                seconds(since: state.running.values.min()),
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
                    group.addTask {
                        let outcome = await look(vm, since)
                        self.finish(vm, outcome)
                    }
                }
            }
        }
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
        let (found, alarm) = state.withLock { state in
            guard state.running.count < Self.mostAtOnce else {
                return (nil, nil)
                    as ((VMIdentifier, ContinuousClock.Instant)?, ContinuousClock.Instant?)
            }
            switch state.queue.next(now: .now) {
            case .look(let vm, let since):
                state.running[vm] = .now
                state.progress = .now
                state.served[vm] = state.waiting.removeValue(forKey: vm)
                return ((vm, since), nil)
            case .wait(let until):
                guard let until, until < state.armed ?? until + .seconds(1) else {
                    return (nil, nil)
                }
                state.armed = until
                return (nil, until)
            }
        }
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
            state.progress = .now
            state.queue.finish(vm, outcome, now: .now)
            return state.served.removeValue(forKey: vm) ?? []
        }
        for continuation in served { continuation.resume() }
        wake.yield()
    }
}

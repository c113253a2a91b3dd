internal import Synchronization

/// Lets reconciliations through, and none while everything has to stand still.
final class ReconcileGate: Sendable {
    private enum Position {
        case open
        case shut
        /// Another process reconciles, or this one is about to end.
        case locked
    }

    private struct State {
        var position = Position.open
        var inside = 0
        var waiting: [CheckedContinuation<Bool, Never>] = []
    }

    private let state = Mutex(State())

    /// Runs something while the gate is open, and waits until it is.
    ///
    /// - Returns: nil where it will not be any more.
    func pass<Value: Sendable>(_ body: () async -> Value) async -> Value? {
        let mayPass = await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> Bool? in
                switch state.position {
                case .open:
                    state.inside += 1
                    return true
                case .shut:
                    state.waiting.append(continuation)
                    return nil
                case .locked: return false
                }
            }
            if let answer { continuation.resume(returning: answer) }
        }
        guard mayPass else { return nil }
        let value = await body()
        state.withLock { $0.inside -= 1 }
        return value
    }

    /// Shuts it, and waits until nobody is inside: for so long at most, because one who is may wait for a
    /// host that does not answer, and not at all in a task that is cancelled.
    ///
    /// - Returns: whether nobody is inside. It stays shut in either case.
    func shut(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        state.withLock { $0.position = .shut }
        while state.withLock({ $0.inside > 0 }) {
            if ContinuousClock.now >= deadline || Task.isCancelled { return false }
            try? await Task.sleep(for: .milliseconds(1))
        }
        return true
    }

    /// Whether it is shut for good.
    var isLocked: Bool { state.withLock { $0.position == .locked } }

    /// Opens it again.
    func open() { move(to: .open) }

    /// Leaves it shut for good.
    func lock() { move(to: .locked) }

    private func move(to position: Position) {
        let waiting = state.withLock { state in
            state.position = position
            defer { state.waiting = [] }
            if position == .open { state.inside += state.waiting.count }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: position == .open) }
    }
}

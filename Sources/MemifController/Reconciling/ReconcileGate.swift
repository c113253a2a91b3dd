internal import Synchronization

/// Lets reconciliations through, and none while everything has to stand still.
final class ReconcileGate: Sendable {
    private enum Position {
        case open
        case shut
        /// Another process reconciles.
        case locked
    }

    private struct State {
        var position = Position.open
        var inside = 0
        var waiting: [CheckedContinuation<Bool, Never>] = []
        /// Waits for the last that is inside.
        var shutter: CheckedContinuation<Void, Never>?
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
        let shutter = state.withLock { state in
            state.inside -= 1
            return state.inside == 0 ? state.shutter.take() : nil
        }
        shutter?.resume()
        return value
    }

    /// Shuts it, and returns when nobody is inside. One caller at a time.
    func shut() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                state.position = .shut
                if state.inside > 0 { state.shutter = continuation }
                return state.inside == 0
            }
            if isEmpty { continuation.resume() }
        }
    }

    /// Whether another process reconciles.
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

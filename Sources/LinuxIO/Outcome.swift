internal import Synchronization

/// What a task waits for that is found out on a thread of another kind. The value passes under a lock,
/// which the thread sanitizer understands, as it does not a continuation that is resumed at once.
final class Outcome<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Has the work begin, and waits for its value.
    func value(_ begin: (Outcome<Value>) -> Void) async -> Value {
        begin(self)
        while true {
            if let value = state.withLock(\.value) { return value }
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.value == nil { state.waiting = continuation }
                    return state.value != nil
                }
                if isThere { continuation.resume() }
            }
        }
    }

    /// Gives the value; once.
    func set(_ value: Value) {
        let waiting = state.withLock { state in
            state.value = value
            return state.waiting.take()
        }
        waiting?.resume()
    }
}

extension EventLoop {
    /// Runs something on the loop's thread, soon, and waits for its value.
    public func perform<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await Outcome<Value>().value { outcome in submit { outcome.set(body()) } }
    }
}

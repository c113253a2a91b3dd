internal import Synchronization

/// Tasks that wait until something has changed; each looks for itself whether it is what it waits for.
final class WakeUps: Sendable {
    private struct State {
        var waiting: [UInt64: OneShot<Void>] = [:]
        var next: UInt64 = 0
    }

    private let state = Mutex(State())

    /// Waits until the next wake-up, or until the task is cancelled.
    ///
    /// - Parameter isOver: asked once the wait stands, so that no change falls in between.
    func wait(
        unless isOver: () -> Bool, isolation: isolated (any Actor)? = #isolation
    ) async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withOneShot(of: Void.self) { continuation in
                state.withLock { $0.waiting[number] = continuation }
                if Task.isCancelled || isOver() { wake(number) }
            }
        } onCancel: {
            wake(number)
        }
    }

    /// Wakes all that wait now.
    func wakeAll() {
        let waiting = state.withLock { state in
            let waiting = state.waiting
            if !waiting.isEmpty { state.waiting = [:] }
            return waiting
        }
        for continuation in waiting.values { continuation.resume() }
    }

    private func wake(_ number: UInt64) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
    }
}

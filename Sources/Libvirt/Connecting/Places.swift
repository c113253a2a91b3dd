internal import LinuxIO
internal import Synchronization

/// Lets so many in at once; the others wait in order.
final class Places: Sendable {
    enum Entry {
        case entered
        case cancelled
        case tooLate
    }

    private struct State {
        var free: Int
        var waiting: [(number: UInt64, continuation: CheckedContinuation<Entry, Never>)] = []
        var next: UInt64 = 0
    }

    private let state: Mutex<State>

    init(_ count: Int) { state = Mutex(State(free: count)) }

    /// Waits for a place, which ``leave()`` gives back.
    func enter(until deadline: ContinuousClock.Instant?, timers: EventLoop) async -> Entry {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let timer = deadline.map { deadline in
            timers.schedule(after: ContinuousClock.now.duration(to: deadline)) { [weak self] in
                self?.giveUp(number, .tooLate)
            }
        }
        defer { if let timer { timers.cancel(timer) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let hasEntered = state.withLock { state in
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((number, continuation))
                    return false
                }
                if hasEntered { return continuation.resume(returning: .entered) }
                // What came before the wait stood found nothing to end.
                if Task.isCancelled { giveUp(number, .cancelled) }
                if let deadline, deadline <= .now { giveUp(number, .tooLate) }
            }
        } onCancel: {
            giveUp(number, .cancelled)
        }
    }

    /// Gives a place to who has waited longest.
    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Entry, Never>? in
            if state.waiting.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: .entered)
    }

    private func giveUp(_ number: UInt64, _ entry: Entry) {
        let continuation = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map {
                state.waiting.remove(at: $0).continuation
            }
        }
        continuation?.resume(returning: entry)
    }
}

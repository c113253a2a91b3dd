// The second file of this module with unsafe code: continuations that are not checked.

internal import Synchronization

/// What a suspended call waits on: to be resumed exactly once.
///
/// In debug, and so in every test, Swift checks that; in release it does not, which saves an
/// allocation and two atomic operations a call.
@safe
struct OneShot<Value: Sendable>: Sendable {
    #if DEBUG
        fileprivate typealias Continuation = CheckedContinuation<Value, Never>
    #else
        fileprivate typealias Continuation = UnsafeContinuation<Value, Never>
    #endif

    fileprivate let continuation: Continuation
    #if DEBUG
        fileprivate let handover: Handover
    #endif

    /// Lets the task go on with a value.
    func resume(returning value: sending Value) {
        #if DEBUG
            handover.give()
            continuation.resume(returning: value)
        #else
            // SAFETY: whoever holds one takes it out of its table under a lock before it resumes it, so
            // that no other does, and each table is emptied when its owner ends.
            unsafe continuation.resume(returning: value)
        #endif
    }
}

extension OneShot<Void> {
    /// Lets the task go on.
    func resume() { resume(returning: ()) }
}

/// Suspends the task until the continuation that `body` is given is resumed.
func withOneShot<Value: Sendable>(
    of type: Value.Type = Value.self, isolation: isolated (any Actor)? = #isolation,
    _ body: (OneShot<Value>) -> Void
) async -> Value {
    #if DEBUG
        let handover = Handover()
        let value = await withCheckedContinuation(isolation: isolation) {
            body(OneShot(continuation: $0, handover: handover))
        }
        handover.take()
        return value
    #else
        // SAFETY: as in `resume`.
        unsafe await withUnsafeContinuation(isolation: isolation) {
            unsafe body(OneShot(continuation: $0))
        }
    #endif
}

#if DEBUG
    /// Shows the thread sanitizer that what was done before a continuation is resumed is done before the
    /// task goes on: a task that finds its continuation resumed already goes on without a word to it.
    private final class Handover: Sendable {
        private let isGiven = Atomic(false)

        func give() { isGiven.store(true, ordering: .releasing) }

        func take() { _ = isGiven.load(ordering: .acquiring) }
    }
#endif

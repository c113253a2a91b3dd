internal import LinuxIO
internal import Synchronization

extension MemifInterface {
    /// Waits for a link.
    ///
    /// - Parameter limit: how long at most; nil waits without end.
    /// - Throws: `MemifError` with `.timedOut`, which says why the last attempt failed; with `.closed`
    ///   when the task is cancelled, when the interface is removed, and when the only attempt that a slave
    ///   makes has come to its end.
    public func waitForLink(within limit: Duration? = nil) async throws(MemifError) -> MemifLink {
        let waiter = Waiter()
        let token = subscribe { [isTriedOnce] event in
            switch event {
            case .up(let link): waiter.resume(.success(link))
            case .down(let end), .failed(let end, _):
                guard isTriedOnce else { return }
                waiter.resume(
                    .failure(
                        MemifError(.closed, "the only attempt at a memif link is over: \(end)")))
            }
        } finish: {
            waiter.resume(.failure(MemifError(.closed, "the memif interface is removed")))
        }
        let timer = limit.map { limit in
            loop.schedule(after: limit) { [weak self] in
                let last = self?.lastEnd.map { ": \($0)" } ?? ""
                waiter.resume(
                    .failure(MemifError(.timedOut, "no memif link within \(limit)\(last)")))
            }
        }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter.wait($0) }
        } onCancel: {
            waiter.resume(
                .failure(MemifError(.closed, "waiting for a memif link was cancelled")))
        }
        if let timer { loop.cancel(timer) }
        unsubscribe(token)
        return try result.get()
    }

    /// What is said to subscribers after the last event: once, by whoever is the last to think of it.
    final class Farewell: Sendable {
        private let bodies: Mutex<[@Sendable () -> Void]>

        init(_ bodies: [@Sendable () -> Void]) { self.bodies = Mutex(bodies) }

        // The loop drops work when it is stopped, and nobody may wait for ever because of that.
        deinit { say() }

        func say() {
            for body in bodies.withLock({ exchange(&$0, with: []) }) { body() }
        }

        /// There will be another one.
        func cancel() { bodies.withLock { $0 = [] } }
    }

    /// A continuation that is resumed once, whichever comes first.
    private final class Waiter: Sendable {
        typealias Outcome = Result<MemifLink, MemifError>

        private struct State {
            var continuation: CheckedContinuation<Outcome, Never>?
            var outcome: Outcome?
        }

        private let state = Mutex(State())

        func wait(_ continuation: CheckedContinuation<Outcome, Never>) {
            let outcome = state.withLock { state in
                if state.outcome == nil { state.continuation = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }

        func resume(_ outcome: Outcome) {
            let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
                guard state.outcome == nil else { return nil }
                state.outcome = outcome
                return state.continuation.take()
            }
            continuation?.resume(returning: outcome)
        }
    }
}

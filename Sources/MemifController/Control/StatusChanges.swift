internal import Synchronization

/// Tells whoever wants to know that the status is another now; what it is now, they ask for.
final class StatusChanges: Sendable {
    /// Of what the status has changed.
    enum Change: Sendable, Hashable {
        /// A domain's ports, by its UUID and its name as last known.
        case ports(VMIdentifier, name: String)
        /// The connection to libvirt.
        case connection
    }

    private struct State {
        var next = 0
        var bodies: [Int: @Sendable (Change) -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Calls back on every change from now on, wherever it comes about: the body must not wait.
    ///
    /// - Returns: a token to end that with.
    func subscribe(_ body: @escaping @Sendable (Change) -> Void) -> Int {
        state.withLock { state in
            state.next += 1
            state.bodies[state.next] = body
            return state.next
        }
    }

    /// Calls back no more.
    func unsubscribe(_ token: Int) { state.withLock { $0.bodies[token] = nil } }

    /// The new status can be asked for already.
    func tell(_ change: Change) {
        for body in state.withLock({ Array($0.bodies.values) }) { body(change) }
    }
}

internal import Synchronization

/// Whether a link lives, shared by the control plane and the queues' owners.
///
/// The queues look at one atomic flag a burst; everything else is behind a lock that they never take
/// while the link lives.
final class LinkStatus: Sendable {
    private struct State {
        var end: LinkEnd?
        var observers: [@Sendable (LinkEnd) -> Void] = []
    }

    private let isOver = Atomic<Bool>(false)
    private let state = Mutex(State())

    /// Whether the link is over. Sees everything that happened before the end.
    @inline(__always)
    var hasEnded: Bool { isOver.load(ordering: .acquiring) }

    /// Why it is over; nil while it lives.
    var end: LinkEnd? { state.withLock(\.end) }

    /// Ends the link; only the first call counts.
    @discardableResult
    func finish(_ end: LinkEnd) -> Bool {
        let observers = state.withLock { state -> [@Sendable (LinkEnd) -> Void]? in
            guard state.end == nil else { return nil }
            state.end = end
            // Here, so that whoever is told of the end at once finds the link over.
            isOver.store(true, ordering: .releasing)
            return exchange(&state.observers, with: [])
        }
        guard let observers else { return false }
        for observer in observers { observer(end) }
        return true
    }

    /// Calls back when the link ends, on the thread that ends it; at once if it has.
    func whenEnded(_ observer: @escaping @Sendable (LinkEnd) -> Void) {
        let end = state.withLock { state in
            if state.end == nil { state.observers.append(observer) }
            return state.end
        }
        if let end { observer(end) }
    }
}

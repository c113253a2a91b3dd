internal import LinuxIO
internal import Synchronization

/// Ends a handshake in which the peer keeps us waiting. Time that is ours does not count, however slow
/// the host and however many others there are.
///
/// The timeout is counted in small steps, each at least a whole turn of the loop, in which everything that
/// the peer had said by then is heard. A step counts when it said nothing, though it was its turn. With
/// each message it has the whole timeout again, but no more than a few times that in all: who says a little
/// now and then is ended too.
final class HandshakeDeadline: Sendable {
    /// What a handshake has left, in steps.
    struct Allowance: Hashable {
        /// Steps of the timeout.
        static let steps = 20
        /// How many timeouts a peer may be silent in all.
        static let mostTimeouts = 6

        private var silence = 0
        private var total = 0
        private var hasHeard = false

        /// The peer has said something.
        mutating func hear() {
            hasHeard = true
            silence = 0
        }

        /// A step has passed; false when it was the last.
        mutating func pass(isOurs: Bool) -> Bool {
            defer { hasHeard = false }
            if isOurs || hasHeard { return true }
            silence += 1
            total += 1
            return silence < Self.steps && total < Self.steps * Self.mostTimeouts
        }
    }

    private struct State {
        var allowance = Allowance()
        var timer: EventLoop.Timer?
        /// Whether it is we who have something to do.
        var isOurs = false
        var isOver = false
    }

    private let loop: EventLoop
    private let timeout: Duration
    private let expire: @Sendable (LinkEnd) -> Void
    private let state = Mutex(State())

    /// - Parameter expire: is called once, on the loop's thread, unless it is cancelled before.
    init(
        _ timeout: Duration, on loop: EventLoop, _ expire: @escaping @Sendable (LinkEnd) -> Void
    ) {
        self.timeout = timeout
        self.loop = loop
        self.expire = expire
    }

    /// Begins to count, unless it is cancelled already.
    func start() { schedule() }

    /// The peer has said something.
    func hear() { state.withLock { $0.allowance.hear() } }

    /// It is our turn, for longer than a moment, or the peer's again.
    func setOurs(_ isOurs: Bool) { state.withLock { $0.isOurs = isOurs } }

    func cancel() {
        let timer = state.withLock { state in
            state.isOver = true
            return state.timer.take()
        }
        if let timer { loop.cancel(timer) }
    }

    private func schedule() {
        state.withLock { state in
            if state.isOver { return }
            state.timer = loop.schedule(after: timeout / Allowance.steps) { [self] in pass() }
        }
    }

    private func pass() {
        let isLast = state.withLock { state in
            if state.isOver { return false }
            state.isOver = !state.allowance.pass(isOurs: state.isOurs)
            return state.isOver
        }
        guard isLast else { return schedule() }
        let reason = DisconnectReason(
            .timedOut, "the peer kept the handshake waiting for \(timeout)")
        expire(LinkEnd(.timedOut, reason))
    }
}

internal import Glibc
internal import Synchronization

/// What SIGINT and SIGTERM do to a program: the first asks it to end, the second ends it at once. And
/// what SIGHUP does to a daemon.
public final class Interruption: Sendable {
    private struct State {
        var body: (@Sendable () -> Void)?
        var isAsked = false
        var hangUp: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Catches the two signals for as long as the program runs. To be called once.
    ///
    /// - Parameter hangUp: whether SIGHUP is caught too, which else ends the program. It does nothing
    ///   before ``whenHungUp(_:)``.
    /// - Throws: `SystemError` as `Signals.handle`.
    public init(catchingHangUp hangUp: Bool = false) throws(SystemError) {
        try Signals.handle([SIGINT, SIGTERM] + (hangUp ? [SIGHUP] : [])) { [self] number in
            if number == SIGHUP {
                state.withLock(\.hangUp)?()
            } else {
                interrupt()
            }
        }
    }

    /// Says what each SIGHUP does: called on a thread of its own, one call at a time.
    public func whenHungUp(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.hangUp = body }
    }

    /// Says what ends the program: called on the first signal, at once if that has come already.
    public func whenAsked(_ body: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            state.body = body
            return state.isAsked
        }
        if isLate { body() }
    }

    private func interrupt() {
        let (body, isSecond) = state.withLock { state in
            defer { state.isAsked = true }
            return (state.body, state.isAsked)
        }
        if isSecond { _exit(1) }
        body?()
    }
}

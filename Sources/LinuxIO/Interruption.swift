internal import Glibc
internal import Synchronization

/// What SIGINT and SIGTERM do to a program: the first asks it to end, the second ends it at once.
public final class Interruption: Sendable {
    private struct State {
        var body: (@Sendable () -> Void)?
        var isAsked = false
    }

    private let state = Mutex(State())

    /// Catches the two signals for as long as the program runs. To be called once.
    ///
    /// - Throws: `SystemError` as `Signals.handle`.
    public init() throws(SystemError) {
        try Signals.handle([SIGINT, SIGTERM]) { [self] _ in interrupt() }
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

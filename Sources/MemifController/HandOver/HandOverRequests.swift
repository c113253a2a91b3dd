internal import LinuxIO
internal import Synchronization

/// Processes that ask to go on in the place of this one: one at a time.
final class HandOverRequests: Sendable {
    private struct State {
        /// The one under way, or the one that has everything: its socket is open for as long as this
        /// process lives.
        var current: HandOverChannel?
        /// Whether another process has everything.
        var isDone = false
    }

    /// Those that are asked for.
    let channels: AsyncStream<HandOverChannel>
    private let ask: AsyncStream<HandOverChannel>.Continuation
    private let state = Mutex(State())

    init() { (channels, ask) = AsyncStream.makeStream() }

    /// Whether another process has everything.
    var isDone: Bool { state.withLock(\.isDone) }

    /// Has one begin soon.
    ///
    /// - Returns: false while another is under way.
    func begin(_ channel: HandOverChannel) -> Bool {
        let isFirst = state.withLock { state in
            if state.current != nil { return false }
            state.current = channel
            return true
        }
        if isFirst { ask.yield(channel) }
        return isFirst
    }

    /// The one under way has come to its end.
    func end(isDone: Bool) {
        state.withLock { state in
            state.isDone = isDone
            if !isDone { state.current = nil }
        }
    }
}

public import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization
internal import XDR

/// How a connection came to its end.
public struct ConnectionClosure: Sendable {
    /// In libvirt's terms: by this side, by the peer, for its silence, or by an error.
    public let reason: virConnectCloseReason
    /// What happened; nil when this side closed the connection.
    public let error: LibvirtError?
    /// Whether the daemon still answers and has itself lost what it manages, such as a proxy its
    /// hypervisor's daemon: nothing works any more over this connection all the same.
    public let isDriver: Bool

    init(reason: virConnectCloseReason, error: LibvirtError?, isDriver: Bool) {
        self.reason = reason
        self.error = error
        self.isDriver = isDriver
    }

    init(_ failure: LinkFailure, _ error: LibvirtError?) {
        reason =
            switch failure.reason {
            case .closed: .client
            case .endOfStream, .programEnded: .eof
            case .keepalive: .keepalive
            default: .error
            }
        self.error = error
        isDriver = false
    }
}

/// Keeps how a connection ended, and those who wait for it.
final class ConnectionClosing: Sendable {
    private struct State {
        var closure: ConnectionClosure?
        var waiting: [Int: EventBuffer<ConnectionClosure>] = [:]
        var nextNumber = 0
        var isDriverWatched = false
    }

    private let state = Mutex(State())

    var closure: ConnectionClosure? { state.withLock(\.closure) }

    /// True the first time.
    func beginsToWatchDriver() -> Bool {
        state.withLock { state in
            defer { state.isDriverWatched = true }
            return !state.isDriverWatched
        }
    }

    /// Takes the connection's end; the first counts.
    func close(_ closure: ConnectionClosure) {
        let waiting = state.withLock { state in
            guard state.closure == nil else { return [EventBuffer<ConnectionClosure>]() }
            state.closure = closure
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for buffer in waiting { buffer.put(closure) }
    }

    /// Waits for the end; nil when the task is cancelled.
    func wait() async -> ConnectionClosure? {
        let buffer = EventBuffer<ConnectionClosure>(capacity: 1)
        let number = state.withLock { state -> Int in
            if let closure = state.closure { buffer.put(closure) }
            state.nextNumber += 1
            state.waiting[state.nextNumber] = buffer
            return state.nextNumber
        }
        defer { state.withLock { $0.waiting[number] = nil } }
        guard case .element(let closure) = await buffer.next() else { return nil }
        return closure
    }
}

extension Connection {
    /// How the connection ended; nil while it stands.
    public var closure: ConnectionClosure? { events.closing.closure }

    /// Waits until the connection has ended, whoever ended it, and tells how. Nil when the task was
    /// cancelled.
    ///
    /// Source: `virConnectRegisterCloseCallback`; cancelling the wait is what
    /// `virConnectUnregisterCloseCallback` does.
    public func waitUntilClosed() async -> ConnectionClosure? {
        watchDriver()
        return await events.closing.wait()
    }

    /// Asks a daemon that can to tell when it loses what it manages.
    func watchDriver() {
        guard features.contains(.closeCallback), events.closing.beginsToWatchDriver() else {
            return
        }
        let link = link
        // A driver that cannot lose anything refuses, and nothing is missed.
        Task { _ = try? await link.call(Remote.CONNECT_REGISTER_CLOSE_CALLBACK, XDRVoid()) }
    }
}

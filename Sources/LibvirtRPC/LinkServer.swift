internal import Glibc
public import LinuxIO
internal import Synchronization

/// Accepts clients at a listening socket and gives each a link.
public final class LinkServer: Sendable {
    /// A client that has connected.
    public struct Client: Sendable, Identifiable {
        /// Its number among all that have connected to this server.
        public let id: Int
        /// Who it is; nil where the kernel does not say.
        public let credentials: PeerCredentials?
    }

    /// A listener that closes when the last who accepts has let go of it.
    private final class SharedListener: Sendable {
        let listener: UnixListener

        init(_ listener: consuming UnixListener) { self.listener = listener }
    }

    private struct State: ~Copyable {
        var listener: SharedListener?
        var watch: EventLoop.Watch?
        var links: [Int: Link] = [:]
        var nextIdentifier = 0
    }

    /// How long nobody is accepted after the process had no descriptor left for a client.
    private static let pauseWithoutDescriptors = Duration.milliseconds(100)

    private let loop: EventLoop
    private let configuration: LinkConfiguration
    private let mostClients: Int
    private let handlers: @Sendable (Client) -> LinkHandlers
    private let state: Mutex<State>

    /// Starts to accept.
    ///
    /// - Parameters:
    ///   - loop: serves the listener and every client.
    ///   - mostClients: beyond these, a client's connection is closed at once.
    ///   - handlers: makes the handlers for a client.
    /// - Throws: `SystemError` when the listener cannot be watched.
    public static func start(
        _ listener: consuming UnixListener, loop: EventLoop,
        configuration: LinkConfiguration = .server, mostClients: Int = 256,
        handlers: @escaping @Sendable (Client) -> LinkHandlers
    ) throws(SystemError) -> LinkServer {
        let server = LinkServer(listener, loop, configuration, mostClients, handlers)
        try server.watch()
        return server
    }

    private init(
        _ listener: consuming UnixListener, _ loop: EventLoop, _ configuration: LinkConfiguration,
        _ mostClients: Int, _ handlers: @escaping @Sendable (Client) -> LinkHandlers
    ) {
        self.loop = loop
        self.configuration = configuration
        self.mostClients = mostClients
        self.handlers = handlers
        state = Mutex(State(listener: SharedListener(listener)))
    }

    /// The links that live now.
    public var links: [Link] { state.withLock { Array($0.links.values) } }

    /// A client's link, to send it events; nil once it has ended.
    public func link(of client: Client.ID) -> Link? { state.withLock { $0.links[client] } }

    /// Another descriptor of the listener, for a process that is to accept in this one's place.
    ///
    /// - Throws: `SystemError`: EBADF when it has been stopped.
    public func duplicateListener() throws(SystemError) -> OwnedDescriptor {
        guard let shared = state.withLock({ $0.listener }) else {
            throw SystemError(code: EBADF, operation: "duplicate a listener that is closed")
        }
        return try shared.listener.descriptor.duplicate()
    }

    /// Accepts at another listener from now on. Links stand; a client that the former had not yet accepted is
    /// let go.
    public func replaceListener(_ listener: consuming UnixListener) {
        let shared = SharedListener(listener)
        state.withLock { state in
            guard let former = state.listener else { return }
            if let watch = state.watch { loop.cancel(watch, former.listener.descriptor) }
            state.watch = nil
            state.listener = shared
        }
        do throws(SystemError) { try watch() } catch { pause() }
    }

    /// Stops to accept, and ends every client's link.
    public func stop() {
        let links = state.withLock { state in
            // During a pause nothing is watched, and the listener must go all the same.
            let listener = state.listener.take()
            if let watch = state.watch, let listener {
                loop.cancel(watch, listener.listener.descriptor)
            }
            state.watch = nil
            return Array(state.links.values)
        }
        for link in links { link.close() }
    }

    private func watch() throws(SystemError) {
        try state.withLock { (state) throws(SystemError) in
            // After a pause another listener may be watched already.
            guard let shared = state.listener, state.watch == nil else { return }
            state.watch = try loop.watch(shared.listener.descriptor, for: .readable) {
                [weak self] _ in self?.accept()
            }
        }
    }

    private func accept() {
        do throws(SystemError) {
            while let socket = try acceptOne() { admit(socket) }
        } catch {
            // Out of descriptors, most likely. Clients wait in the backlog; the loop must not spin.
            pause()
        }
    }

    private func acceptOne() throws(SystemError) -> UnixSocket? {
        guard let shared = state.withLock({ $0.listener }) else { return nil }
        return try shared.listener.accept()
    }

    private func pause() {
        state.withLock { state in
            guard let watch = state.watch, let listener = state.listener else { return }
            loop.cancel(watch, listener.listener.descriptor)
            state.watch = nil
        }
        loop.schedule(after: Self.pauseWithoutDescriptors) { [weak self] in
            do throws(SystemError) { try self?.watch() } catch { self?.pause() }
        }
    }

    private func admit(_ socket: consuming UnixSocket) {
        let identifier = state.withLock { state -> Int? in
            guard state.listener != nil, state.links.count < mostClients else { return nil }
            state.nextIdentifier += 1
            return state.nextIdentifier
        }
        guard let identifier else { return }
        let client = Client(id: identifier, credentials: try? socket.peerCredentials())
        var handlers = self.handlers(client)
        let ended = handlers.ended
        handlers.ended = { [weak self] failure in
            self?.forget(identifier)
            ended(failure)
        }
        let carrier = UnixCarrier(
            socket, loop: loop, longestFrame: configuration.longestFrame)
        // The loop's thread is here, so nothing of the link can happen before the link is known.
        let link = Link.start(
            carrier, timers: loop, configuration: configuration, handlers: handlers)
        let isStopped = state.withLock { state in
            state.links[identifier] = link
            return state.listener == nil
        }
        // The server was stopped while this client came in, and did not know its link yet.
        if isStopped { link.close() }
    }

    private func forget(_ identifier: Int) {
        let link = state.withLock { $0.links.removeValue(forKey: identifier) }
        _ = link
    }
}

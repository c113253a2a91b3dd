public import LinuxIO
internal import Synchronization

/// A listening socket and the interfaces that slaves reach through it.
///
/// All sockets and interfaces of a program can share one event loop; none of them ever waits.
public final class MasterSocket: Sendable {
    /// How a socket treats those who connect.
    public struct Options: Sendable {
        /// The program's name, as HELLO tells it; at most 31 bytes.
        public var name = "virtwire"
        /// How long a slave may take from connecting to CONNECT.
        public var handshakeTimeout: Duration = .seconds(5)
        /// The most connections in the handshake at a time; further ones are sent away.
        public var mostPending = 64
        /// How many wrong secrets a user of this host may show at once. After that theirs, right or
        /// wrong, are not even looked at for a while; those of other users are.
        public var mostWrongSecrets = 100
        /// How long it takes until such a user may show one more.
        public var wrongSecretPause: Duration = .milliseconds(100)
        /// Whether a peer with these credentials may connect at all; nil admits everyone who can
        /// open the socket.
        public var admits: (@Sendable (PeerCredentials) -> Bool)?

        /// The usual options.
        public init() {}
    }

    private struct State: ~Copyable {
        var listener: UnixListener?
        var watch: EventLoop.Watch?
        var interfaces: [UInt32: Entry] = [:]
        var connections: [UInt64: MasterConnection] = [:]
        var nextSerial: UInt64 = 0
        var isClosed = false
        /// The socket file that is ours to remove.
        var file: (path: String, identity: FileIdentity)?
        var refused: UInt64 = 0
        var lastRefusal: LinkEnd?
        /// What slaves are told first; nil when the interfaces have changed since.
        var hello: ControlMessage.Hello?
        var guesses: GuessLimit
    }

    private struct Entry {
        let serial: UInt64
        let interface: MemifInterface
    }

    let loop: EventLoop
    private let options: Options
    private let state: Mutex<State>

    /// Serves a listener that was made or handed in from elsewhere. Its socket file is not removed
    /// at the end.
    ///
    /// - Parameter frozen: whether nobody is accepted before `thaw()`, as where links of another process
    ///   are to go on.
    /// - Throws: `MemifError` with `.system` when the loop cannot watch it.
    public init(
        _ listener: consuming UnixListener, on loop: EventLoop, options: Options = Options(),
        frozen: Bool = false
    ) throws(MemifError) {
        self.loop = loop
        self.options = options
        state = Mutex(
            State(
                listener: listener,
                guesses: GuessLimit(
                    burst: options.mostWrongSecrets, pause: options.wrongSecretPause)))
        if frozen { return }
        do throws(SystemError) {
            try state.withLock { state throws(SystemError) in
                state.watch = try state.listener?.watch(on: loop) { [weak self] in
                    self?.acceptAll()
                }
            }
        } catch {
            throw MemifError(error)
        }
    }

    deinit {
        close()
    }

    /// Listens at an address. A socket file appears whole, with its mode, and is removed at the end;
    /// one that a dead process left behind is replaced.
    ///
    /// - Parameters:
    ///   - namespace: the network namespace in which an abstract address is meant; nil for our own.
    ///   - mode: the file's permission bits.
    /// - Throws: `MemifError` with `.system`: EADDRINUSE when somebody listens there, EEXIST when
    ///   something else stands there, EACCES for a directory that may not be written, and so on.
    public static func listen(
        at address: UnixAddress, in namespace: NetworkNamespace? = nil, mode: UInt32 = 0o660,
        on loop: EventLoop, options: Options = Options()
    ) throws(MemifError) -> MasterSocket {
        do throws(SystemError) {
            if address.isAbstract {
                if let namespace {
                    return try make(
                        namespace.listen(at: address, kind: .messages), loop, options)
                }
                let listener = try UnixListener.bind(to: address, kind: .messages)
                return try make(listener, loop, options)
            }
            switch try SocketFile.probe(address.name) {
            case .absent, .stale: break
            case .live:
                throw SystemError(code: 98, operation: "listen on", subject: address.name)
            case .foreign:
                throw SystemError(code: 17, operation: "put a socket at", subject: address.name)
            }
            let listener = try SocketFile.listen(at: address.name, kind: .messages, mode: mode)
            let identity = try FileStatus(path: address.name).identity
            let socket = try make(listener, loop, options)
            socket.state.withLock { $0.file = (address.name, identity) }
            return socket
        } catch {
            throw MemifError(error)
        }
    }

    private static func make(
        _ listener: consuming UnixListener, _ loop: EventLoop, _ options: Options
    ) throws(SystemError) -> MasterSocket {
        do throws(MemifError) {
            return try MasterSocket(listener, on: loop, options: options)
        } catch {
            throw error.systemError ?? SystemError(code: 22, operation: "watch a listener")
        }
    }

    /// Listens with another socket from now on, as when the file of the first was taken away. Links
    /// that stand, and handshakes that go on, are not concerned; who waits to be accepted by the old
    /// one is disconnected. The new one's socket file is not removed at the end.
    ///
    /// - Throws: `MemifError`: `.closed`, or `.system` when the loop cannot watch it: then the old
    ///   one listens on.
    public func replaceListener(_ listener: consuming UnixListener) throws(MemifError) {
        var new: UnixListener? = listener
        try state.withLock { state throws(MemifError) in
            guard !state.isClosed else { throw MemifError(.closed, "the memif socket is closed") }
            let watch: EventLoop.Watch?
            do throws(SystemError) {
                watch = try new?.watch(on: loop) { [weak self] in self?.acceptAll() }
            } catch {
                throw MemifError(error)
            }
            if let old = state.watch { state.listener?.cancel(old, on: loop) }
            state.watch = watch
            state.listener = new.take()
        }
    }

    /// Takes the listener out, for whoever is to serve it from now on: another socket of this
    /// program, or another process. Links that stand, and handshakes that go on, are not concerned. Its
    /// socket file is no longer ours to remove.
    ///
    /// - Returns: nil when there is none any more.
    public func releaseListener() -> UnixListener? {
        let watch = state.withLock { state in
            state.file = nil
            return state.watch.take()
        }
        var listener = state.withLock { $0.listener.take() }
        guard let taken = listener.take() else { return nil }
        if let watch { loop.cancel(watch, taken.descriptor) }
        return taken
    }

    /// Adds an interface, which slaves can reach from now on.
    ///
    /// - Throws: `MemifError`: `.idInUse`, or `.closed`.
    public func add(_ configuration: InterfaceConfiguration) throws(MemifError) -> MemifInterface {
        let serial = state.withLock { state in
            state.nextSerial += 1
            return state.nextSerial
        }
        let interface = MemifInterface(role: .master, configuration: configuration, loop: loop) {
            [weak self] _ in self?.forgetInterface(configuration.id, serial)
        }
        try state.withLock { state throws(MemifError) in
            guard !state.isClosed else { throw MemifError(.closed, "the memif socket is closed") }
            guard state.interfaces[configuration.id] == nil else {
                throw MemifError(
                    .idInUse, "the socket has an interface with id \(configuration.id) already")
            }
            state.interfaces[configuration.id] = Entry(serial: serial, interface: interface)
            state.hello = nil
        }
        return interface
    }

    /// The interface with an id.
    public func interface(id: UInt32) -> MemifInterface? {
        state.withLock { $0.interfaces[id]?.interface }
    }

    /// All interfaces, in the order of their ids.
    public var interfaces: [MemifInterface] {
        state.withLock { state in
            state.interfaces.sorted { $0.key < $1.key }.map(\.value.interface)
        }
    }

    /// How many connections ended in the handshake, and why the last one did.
    public var refusals: (count: UInt64, last: LinkEnd?) {
        state.withLock { ($0.refused, $0.lastRefusal) }
    }

    /// Ends the listener and every link. When this returns the peers have been told, descriptors are
    /// closed (but for those that queues hold), and the socket file is gone if it was ours.
    public func close(
        _ reason: DisconnectReason = DisconnectReason(.removed, "the socket is being closed")
    ) {
        // Once it is closed, nobody replaces the listener or its watch any more.
        let watch = state.withLock { state in
            state.isClosed = true
            return state.watch
        }
        var listener = state.withLock { $0.listener.take() }
        if let listener = listener.take(), let watch { loop.cancel(watch, listener.descriptor) }
        for connection in connections { connection.finish(LinkEnd(.local, reason)) }
        let interfaces = state.withLock { exchange(&$0.interfaces, with: [:]) }
        for entry in interfaces.values { entry.interface.retire(reason) }
        if let file = state.withLock({ $0.file.take() }) {
            SocketFile.remove(file.path, ifStill: file.identity)
        }
    }

    // MARK: For a hand-over

    /// Accepts nobody until `thawListener`. Who connects meanwhile waits.
    ///
    /// - Returns: another descriptor of the listener.
    func freezeListener() throws(MemifError) -> OwnedDescriptor {
        try state.withLock { state throws(MemifError) in
            guard let watch = state.watch.take() else {
                throw MemifError(.closed, "the memif socket has no listener any more")
            }
            state.listener?.cancel(watch, on: loop)
            do throws(SystemError) {
                if let descriptor = try state.listener?.duplicate() { return descriptor }
            } catch {
                throw MemifError(error)
            }
            throw MemifError(.closed, "the memif socket is closed")
        }
    }

    /// Accepts again.
    func thawListener() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            guard state.watch == nil else { return }
            state.watch = try state.listener?.watch(on: loop) { [weak self] in self?.acceptAll() }
        }
    }

    /// Closes the listener and leaves its socket file where it is: somebody else serves it.
    func abandonListener() {
        let listener = state.withLock { state in
            state.isClosed = true
            state.file = nil
            return state.listener.take()
        }
        _ = consume listener
    }

    /// All connections, in the order in which they came.
    var connections: [MasterConnection] {
        state.withLock { $0.connections.values.sorted { $0.id < $1.id } }
    }

    // MARK: For connections

    /// A connection has ended.
    func forget(_ connection: MasterConnection, _ end: LinkEnd) {
        state.withLock { state in
            guard state.connections.removeValue(forKey: connection.id) != nil else { return }
            if end.cause == .refused || end.cause == .timedOut {
                state.refused += 1
                state.lastRefusal = end
            }
        }
    }

    /// Says why a user's secret is not even looked at: they have shown too many wrong ones.
    func guessingProblem(of peer: PeerCredentials?) -> DisconnectReason? {
        state.withLock { $0.guesses.problem(of: peer?.user, at: .now) }
    }

    /// A peer has shown a wrong secret.
    func countWrongSecret(of peer: PeerCredentials?) {
        state.withLock { $0.guesses.count(peer?.user, at: .now) }
    }

    private var hello: ControlMessage.Hello {
        state.withLock { state in
            if let hello = state.hello { return hello }
            let hello = ControlMessage.Hello(
                name: options.name,
                limits: state.interfaces.values.map(\.interface.configuration.limits))
            state.hello = hello
            return hello
        }
    }

    private func forgetInterface(_ id: UInt32, _ serial: UInt64) {
        state.withLock { state in
            guard state.interfaces[id]?.serial == serial else { return }
            state.interfaces[id] = nil
            state.hello = nil
        }
    }

    private func acceptAll() {
        // A few at a time, so that a crowd at the door does not keep links waiting.
        for _ in 0..<16 {
            var accepted: UnixSocket?
            do throws(SystemError) {
                accepted = try state.withLock { state throws(SystemError) in
                    try state.listener?.accept()
                }
            } catch {
                pauseAccepting()
                return
            }
            guard let connected = accepted.take() else { return }
            admit(connected)
        }
    }

    /// Keeps a connection from now on; one that comes when the socket is closed is sent away.
    ///
    /// - Parameter known: who is at the other end, where the kernel knows another.
    func keep(
        _ connected: consuming UnixSocket, as known: PeerCredentials? = nil
    ) -> MasterConnection? {
        let peer = known ?? (try? connected.peerCredentials())
        let serial = state.withLock { state in
            state.nextSerial += 1
            return state.nextSerial
        }
        let connection = MasterConnection(
            id: serial, connected, peer: peer, socket: self, loop: loop)
        let isClosed = state.withLock { state in
            if !state.isClosed { state.connections[serial] = connection }
            return state.isClosed
        }
        guard isClosed else { return connection }
        connection.finish(
            LinkEnd(.local, DisconnectReason(.removed, "the socket is being closed")))
        return nil
    }

    func admit(_ connected: consuming UnixSocket, as known: PeerCredentials? = nil) {
        let pending = connections.count(where: \.isPending)
        guard let connection = keep(connected, as: known) else { return }
        if let admits = options.admits, connection.peer.map(admits) != true {
            // Who cannot be known is not let in either.
            let user = connection.peer.map { "user \($0.user)" } ?? "a peer without credentials"
            let reason = DisconnectReason(.notPermitted, "\(user) is not admitted")
            connection.finish(LinkEnd(.refused, reason))
        } else if pending >= options.mostPending {
            connection.finish(.limit("\(pending) handshakes are going on, try again later"))
        } else {
            connection.start(hello: hello, timeout: options.handshakeTimeout)
        }
    }

    /// Descriptors have run out: who waits goes on waiting, and the loop does not spin on it.
    private func pauseAccepting() {
        watchListener(for: [])
        loop.schedule(after: .milliseconds(100)) { [weak self] in
            self?.watchListener(for: .readable)
        }
    }

    private func watchListener(for interest: Readiness) {
        state.withLock { state in
            guard let watch = state.watch else { return }
            try? state.listener?.update(watch, on: loop, for: interest)
        }
    }
}

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
        /// How long a slave may keep us waiting for its next message, from connecting to CONNECT, and no
        /// more than six times that in all. Time in which this program is busy, with it or with others,
        /// does not count.
        public var handshakeTimeout: Duration = .seconds(5)
        /// The most connections in the handshake at a time; further ones are sent away.
        public var mostPending = 64
        /// The most of them of one user of this host; so one user's silent peers do not keep out another's.
        /// To be raised with `mostPending` where all peers are one user's, as the guests of a host often are.
        public var mostPendingPerUser = 48
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

    struct State: ~Copyable {
        var listener: UnixListener?
        /// Whether the listener was made here, and nobody else has it.
        var isOurs = false
        var watch: EventLoop.Watch?
        var interfaces: [UInt32: Entry] = [:]
        var connections: [UInt64: MasterConnection] = [:]
        /// Those that are in the handshake still.
        var pending: Set<UInt64> = []
        var nextSerial: UInt64 = 0
        var isClosed = false
        /// Where it was told to listen.
        var address: UnixAddress?
        /// The socket file that is ours to remove.
        var file: (path: String, identity: FileIdentity)?
        var refused: UInt64 = 0
        var lastRefusal: LinkEnd?
        /// What slaves are told first; nil when the interfaces have changed since.
        var hello: ControlMessage.Hello?
        var guesses: GuessLimit
        /// Links of another process that cannot go on, whose slaves are told when this one goes on.
        var failed: [(MasterConnection, LinkEnd)] = []
        /// Channels that are handed out and whose connections have not begun yet.
        var channelsToBegin = 0
    }

    struct Entry {
        let serial: UInt64
        let interface: MemifInterface
    }

    let loop: EventLoop
    let options: Options
    /// Closes what those have left whom nobody has come to know: they wait to be accepted, or there is no
    /// room for another thread.
    let doorkeeper: Disposal
    let state: Mutex<State>

    /// Serves a listener that was made or handed in from elsewhere. Its socket file is not removed
    /// at the end.
    ///
    /// - Parameter frozen: whether nobody is accepted before `thaw()`, as where links of another process
    ///   are to go on.
    /// - Throws: `MemifError` with `.system` when the loop cannot watch it, or there is no room for a thread.
    public init(
        _ listener: consuming UnixListener, on loop: EventLoop, options: Options = Options(),
        frozen: Bool = false
    ) throws(MemifError) {
        self.loop = loop
        self.options = options
        do throws(SystemError) {
            doorkeeper = try Disposal(of: nil, on: loop)
        } catch {
            throw MemifError(error)
        }
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
                    .idInUse,
                    "the socket has an interface with id \(configuration.id) already: take another, "
                        + "or remove that one first")
            }
            state.interfaces[configuration.id] = Entry(serial: serial, interface: interface)
            state.hello = nil
        }
        return interface
    }

    /// Where `listen(at:)` was told to listen; nil for a listener from elsewhere, and for none.
    public var address: UnixAddress? { state.withLock { $0.address } }

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
    /// closed or about to be (but for those that queues hold), and the socket file is gone if it was ours.
    public func close(
        _ reason: DisconnectReason = DisconnectReason(.removed, "the socket is being closed")
    ) {
        // Once it is closed, nobody replaces the listener or its watch any more.
        let watch = state.withLock { state in
            state.isClosed = true
            return state.watch
        }
        // While the listener is held nobody takes its path.
        if let file = state.withLock({ $0.file.take() }) {
            SocketFile.remove(file.path, ifStill: file.identity)
        }
        closeListener(watch)
        let failed = state.withLock { exchange(&$0.failed, with: []) }
        for (connection, end) in failed { connection.finish(end) }
        for connection in connections { connection.finish(LinkEnd(.local, reason)) }
        let interfaces = state.withLock { exchange(&$0.interfaces, with: [:]) }
        for entry in interfaces.values { entry.interface.retire(reason) }
    }

    private func closeListener(_ watch: EventLoop.Watch?) {
        let isShared = state.withLock { !$0.isOurs }
        var taken = state.withLock { $0.listener.take() }
        guard let listener = taken.take() else { return }
        if let watch { loop.cancel(watch, listener.descriptor) }
        listener.close(by: doorkeeper, isShared: isShared)
    }

    private func forgetInterface(_ id: UInt32, _ serial: UInt64) {
        state.withLock { state in
            guard state.interfaces[id]?.serial == serial else { return }
            state.interfaces[id] = nil
            state.hello = nil
        }
    }
}

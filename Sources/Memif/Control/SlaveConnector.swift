internal import LinuxIO
internal import Synchronization

/// Keeps a slave's interface connected: one attempt after the other, with growing pauses.
final class SlaveConnector: Sendable {
    private struct State: ~Copyable {
        var connection: SlaveConnection?
        var timer: EventLoop.Timer?
        var failures = 0
        var isStopped = false
        /// Closes what comes of a connection whose master is not known yet.
        var doorkeeper: Disposal?
        weak var interface: MemifInterface?
    }

    /// Makes a connection to the master.
    typealias Dial = @Sendable () throws(SystemError) -> UnixSocket

    private let dial: Dial?
    private let configuration: InterfaceConfiguration
    private let geometry: SlaveGeometry
    private let policy: ReconnectPolicy?
    private let handshakeTimeout: Duration
    private let admits: (@Sendable (PeerCredentials) -> Bool)?
    private let loop: EventLoop
    private let state = Mutex(State())

    init(
        _ dial: Dial?, configuration: InterfaceConfiguration, geometry: SlaveGeometry,
        policy: ReconnectPolicy?, handshakeTimeout: Duration,
        admits: (@Sendable (PeerCredentials) -> Bool)?, loop: EventLoop
    ) {
        self.dial = dial
        self.admits = admits
        self.configuration = configuration
        self.geometry = geometry
        self.policy = policy
        self.handshakeTimeout = handshakeTimeout
        self.loop = loop
    }

    /// The interface that is kept connected; it keeps the connector, not the other way round.
    func setInterface(_ interface: MemifInterface) {
        state.withLock { $0.interface = interface }
    }

    /// Makes an attempt, on the loop's thread.
    func attempt() {
        guard let dial else { return }
        do throws(SystemError) {
            // It is there before anything of the master's can come.
            let doorkeeper = try doorkeeper()
            let connected = try dial()
            do throws(SystemError) {
                try DescriptorReserve.spare(connected.descriptor, "keep a connection")
            } catch {
                connected.close(by: doorkeeper)
                throw error
            }
            use(connected)
        } catch {
            fail(error)
        }
    }

    private func doorkeeper() throws(SystemError) -> Disposal {
        if let doorkeeper = state.withLock({ $0.doorkeeper }) { return doorkeeper }
        let made = try Disposal(of: nil, on: loop)
        state.withLock { $0.doorkeeper = made }
        return made
    }

    /// There is no connection to begin with.
    private func fail(_ error: SystemError) {
        let end = LinkEnd(error)
        let interface = interface
        interface?.attemptFailed(end)
        scheduleNext(after: end)
    }

    /// Goes through the handshake on a connected socket.
    func use(_ connected: consuming UnixSocket) {
        let peer = try? connected.peerCredentials()
        let disposal: Disposal
        do throws(SystemError) {
            disposal = try Disposal(of: peer?.user, on: loop)
        } catch {
            if let doorkeeper = state.withLock({ $0.doorkeeper }) {
                connected.close(by: doorkeeper)
            }
            return fail(error)
        }
        let connection = SlaveConnection(
            connected, peer: peer, disposal: disposal, connector: self,
            configuration: configuration, geometry: geometry, loop: loop)
        let interface = interface
        let mayGoOn = state.withLock { state in
            guard !state.isStopped else { return false }
            state.connection = connection
            return true
        }
        let isHeld = interface?.occupy { [weak connection] end in connection?.finish(end) } ?? false
        if mayGoOn, isHeld {
            if let admits, peer.map(admits) != true {
                // Who cannot be known is not trusted either.
                let user = peer.map { "user \($0.user)" } ?? "a peer without credentials"
                let reason = DisconnectReason(
                    .notPermitted, "\(user) is not admitted as a master")
                connection.finish(LinkEnd(.refused, reason))
                return
            }
            if let problem = disposal.problem { return connection.finish(problem) }
            connection.start(timeout: handshakeTimeout)
        } else {
            let removed = DisconnectReason(.removed, "the interface is being removed")
            connection.finish(LinkEnd(.local, interface?.refusal ?? removed))
        }
    }

    /// Ends the attempts and the link, for good. Any thread.
    func stop(_ reason: DisconnectReason) {
        let timer = state.withLock { state in
            state.isStopped = true
            return state.timer.take()
        }
        if let timer { loop.cancel(timer) }
        let connection = state.withLock { $0.connection.take() }
        connection?.finish(LinkEnd(.local, reason))
    }

    /// The handshake has ended well; false when the interface was removed meanwhile.
    func linkIsUp(_ link: MemifLink) -> Bool {
        state.withLock { $0.failures = 0 }
        return interface?.linkIsUp(link) ?? false
    }

    /// The attempt or link is over.
    func connectionEnded(_ end: LinkEnd) {
        state.withLock { $0.connection = nil }
        let interface = interface
        interface?.vacate(end)
        scheduleNext(after: end)
    }

    private var interface: MemifInterface? { state.withLock { $0.interface } }

    private func scheduleNext(after end: LinkEnd) {
        guard let policy, dial != nil else { return }
        let pause = state.withLock { state -> Duration? in
            guard !state.isStopped else { return nil }
            state.failures += 1
            var generator = SystemRandomNumberGenerator()
            return policy.pause(afterFailures: state.failures, using: &generator)
        }
        guard let pause else { return }
        let timer = loop.schedule(after: pause) { [weak self] in self?.attempt() }
        let isStopped = state.withLock { state in
            state.timer = timer
            return state.isStopped
        }
        if isStopped { loop.cancel(timer) }
    }
}

public import LibvirtProtocol
public import LibvirtRPC
internal import Synchronization

/// A connection that comes back: it is opened again when it is lost, its subscriptions are renewed,
/// and the interruption is told, so that whoever acts on events reads the whole state again.
public final class SupervisedConnection: Sendable {
    /// What the supervisor tells.
    public enum Notice: Sendable {
        /// A connection stands and its subscriptions with it. Everything may have changed since
        /// the last one: read the whole state.
        case connected(Connection)
        /// Something has happened.
        case event(LibvirtEvent)
        /// Events may have been lost, and have been whenever the connection was: read the whole
        /// state.
        case gap
        /// An event of this kind came that could not be read, such as a newer daemon's; the text says why.
        /// What it would have told is not known: read the state that it may concern.
        case undecodable(EventKind, String)
        /// There is no connection, for this reason. The next attempt comes by itself: soon, or where
        /// trying again cannot help (``LibvirtError/isRefusal``) after ``BackOff/refused``, or never.
        case disconnected(LibvirtError)
    }

    /// What the supervisor is doing.
    public enum State: Sendable {
        /// Nothing: it does not run.
        case idle
        /// Opens a connection, or renews the subscriptions.
        case connecting
        /// Has a connection.
        case connected(Connection)
        /// Waits until it tries again, for this reason.
        case waiting(LibvirtError, until: ContinuousClock.Instant)
        /// Has given up, for this reason: the daemon refuses, and nobody wants it to be asked again.
        case refused(LibvirtError)
    }

    /// How long to wait between attempts: doubling, with up to a quarter added by chance so that
    /// many clients of one daemon do not come back together. It begins anew behind a connection that has
    /// stood for the longest wait.
    public struct BackOff: Sendable {
        /// The first wait.
        public var first: Duration
        /// The longest wait.
        public var longest: Duration
        /// The wait where trying again cannot help until somebody changes something: a password, a rule of
        /// polkit's, an alias. Each attempt may count towards locking the account, and asks whoever is
        /// asked for credentials once more. Nil gives up.
        public var refused: Duration?

        /// 0.1 to 5 seconds, and five minutes once refused, unless told otherwise.
        public init(
            first: Duration = .milliseconds(100), longest: Duration = .seconds(5),
            refused: Duration? = .seconds(300)
        ) {
            self.first = first
            self.longest = longest
            self.refused = refused
        }
    }

    private let uri: String?
    private let readOnly: Bool
    private let selections: [EventSelection]
    private let keepalive: KeepalivePolicy?
    private let authentication: AuthenticationOptions
    private let allowsOthers: Bool
    private let backOff: BackOff
    private let current = Mutex(State.idle)
    private let memory = CredentialMemory()

    /// Makes a supervisor; `run` sets it to work.
    ///
    /// - Parameters:
    ///   - uri: a URI or an alias, as ``Connection/open(_:readOnly:keepalive:authentication:allowsOthers:deadline:)-(String?,_,_,_,_,_)``
    ///     takes it; nil leaves the choice to environment, libvirt.conf and host, for each connection anew.
    ///   - events: what to subscribe to, on every connection anew.
    ///   - keepalive: how a daemon that hangs is found out; nil takes it as it is.
    ///   - authentication: used for each connection; who is asked for credentials is asked again only when
    ///     they have been refused.
    ///   - allowsOthers: whether streams and calls that last get connections of their own beside it.
    public init(
        _ uri: String? = nil, readOnly: Bool = false, events: [EventSelection] = [.domains()],
        keepalive: KeepalivePolicy? = KeepalivePolicy(),
        authentication: AuthenticationOptions = AuthenticationOptions(),
        allowsOthers: Bool = true, backOff: BackOff = BackOff()
    ) {
        self.uri = uri
        self.readOnly = readOnly
        selections = events
        self.keepalive = keepalive
        self.authentication = authentication
        self.allowsOthers = allowsOthers
        self.backOff = backOff
    }

    /// As ``init(_:readOnly:events:keepalive:authentication:allowsOthers:backOff:)``, with events of all domains.
    public convenience init(
        _ uri: String? = nil, readOnly: Bool = false, kinds: Set<virDomainEventID>,
        keepalive: KeepalivePolicy? = KeepalivePolicy(),
        authentication: AuthenticationOptions = AuthenticationOptions(),
        allowsOthers: Bool = true, backOff: BackOff = BackOff()
    ) {
        self.init(
            uri, readOnly: readOnly, events: [.domains(kinds)], keepalive: keepalive,
            authentication: authentication, allowsOthers: allowsOthers, backOff: backOff)
    }

    /// What the supervisor is doing now.
    public var state: State { current.withLock(\.self) }

    /// The connection that stands now; nil while there is none.
    public var connection: Connection? {
        // One that is lost is not handed out until somebody notices: who calls over it again and again
        // fails at once each time, and leaves the supervisor no turn to notice.
        guard case .connected(let connection) = state, connection.isAlive else { return nil }
        return connection
    }

    /// Keeps a connection until the task is cancelled, and tells what happens, one notice after
    /// the other.
    ///
    /// Returns earlier only when it is refused and ``BackOff/refused`` is nil.
    public func run(_ notify: @Sendable (Notice) async -> Void) async {
        var wait = backOff.first
        var isAgain = false
        while !Task.isCancelled {
            become(.connecting)
            var reason: LibvirtError?
            var stands: ContinuousClock.Instant?
            var opened: Connection?
            do throws(LibvirtError) {
                let connection = try await open()
                opened = connection
                let events = try await connection.events(selections)
                stands = .now
                become(.connected(connection))
                await notify(.connected(connection))
                if isAgain { await notify(.gap) }
                isAgain = true
                try await forward(events, notify)
                become(.connecting)
            } catch {
                become(.connecting)
                if !Task.isCancelled {
                    await notify(.disconnected(error))
                    reason = error
                }
            }
            // Also one that stands: its daemon may have lost the hypervisor's own, or refuse the events.
            await opened.take()?.close()
            // A daemon that lets everybody in, and then dies of what it is asked, is no quick one.
            if let stands, stands.duration(to: .now) >= backOff.longest { wait = backOff.first }
            if let reason, reason.isRefusal {
                guard let refused = backOff.refused else { return become(.refused(reason)) }
                await pause(refused, reason)
            } else {
                await pause(wait, reason)
                wait = min(wait * 2, backOff.longest)
            }
        }
        become(.idle)
    }

    private func open() async throws(LibvirtError) -> Connection {
        let parameters = ConnectionParameters(
            target: try ConnectionTarget(uri), readOnly: readOnly, keepalive: keepalive,
            authentication: authentication, allowsOthers: allowsOthers, memory: memory)
        return try await Connection.open(parameters, purpose: .calls, deadline: nil)
    }

    private func pause(_ wait: Duration, _ reason: LibvirtError?) async {
        let end = ContinuousClock.now + wait + wait * Double.random(in: 0...0.25)
        if let reason { become(.waiting(reason, until: end)) }
        try? await Task.sleep(until: end)
    }

    private func become(_ state: State) {
        // What it held is let go of outside the lock: its end takes locks of its own.
        let former = current.withLock { current in
            defer { current = state }
            return current
        }
        _ = former
    }

    private func forward(
        _ events: EventSequence<LibvirtEvent>, _ notify: @Sendable (Notice) async -> Void
    ) async throws(LibvirtError) {
        var iterator = events.makeAsyncIterator()
        while let notice = try await iterator.next() {
            switch notice {
            case .event(let event): await notify(.event(event))
            case .lost: await notify(.gap)
            case .undecodable(let kind, let problem): await notify(.undecodable(kind, problem))
            }
        }
    }
}

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
        /// There is no connection, for this reason; the next attempt comes by itself.
        case disconnected(LibvirtError)
    }

    /// How long to wait between attempts: doubling, with up to a quarter added by chance so that
    /// many clients of one daemon do not come back together.
    public struct BackOff: Sendable {
        /// The first wait.
        public var first: Duration
        /// The longest wait.
        public var longest: Duration

        /// 0.1 to 5 seconds unless told otherwise.
        public init(first: Duration = .milliseconds(100), longest: Duration = .seconds(5)) {
            self.first = first
            self.longest = longest
        }
    }

    private let uri: String?
    private let readOnly: Bool
    private let selections: [EventSelection]
    private let keepalive: KeepalivePolicy?
    private let authentication: AuthenticationOptions
    private let backOff: BackOff
    private let current = Mutex<Connection?>(nil)

    /// Makes a supervisor; `run` sets it to work.
    ///
    /// - Parameters:
    ///   - uri: a URI or an alias, as ``Connection/open(_:readOnly:keepalive:authentication:deadline:)-(String?,_,_,_,_)``
    ///     takes it; nil leaves the choice to environment, libvirt.conf and host, for each connection anew.
    ///   - events: what to subscribe to, on every connection anew.
    ///   - keepalive: how a daemon that hangs is found out; nil takes it as it is.
    ///   - authentication: used for each connection anew.
    public init(
        _ uri: String? = nil, readOnly: Bool = false, events: [EventSelection] = [.domains()],
        keepalive: KeepalivePolicy? = KeepalivePolicy(),
        authentication: AuthenticationOptions = AuthenticationOptions(),
        backOff: BackOff = BackOff()
    ) {
        self.uri = uri
        self.readOnly = readOnly
        selections = events
        self.keepalive = keepalive
        self.authentication = authentication
        self.backOff = backOff
    }

    /// As ``init(_:readOnly:events:keepalive:authentication:backOff:)``, with events of all domains.
    public convenience init(
        _ uri: String? = nil, readOnly: Bool = false, kinds: Set<virDomainEventID>,
        keepalive: KeepalivePolicy? = KeepalivePolicy(),
        authentication: AuthenticationOptions = AuthenticationOptions(),
        backOff: BackOff = BackOff()
    ) {
        self.init(
            uri, readOnly: readOnly, events: [.domains(kinds)], keepalive: keepalive,
            authentication: authentication, backOff: backOff)
    }

    /// The connection that stands now; nil while there is none.
    public var connection: Connection? {
        // One that is lost is not handed out until somebody notices: who calls over it again and again
        // fails at once each time, and leaves the supervisor no turn to notice.
        current.withLock { $0?.isAlive == true ? $0 : nil }
    }

    /// Keeps a connection until the task is cancelled, and tells what happens, one notice after
    /// the other.
    public func run(_ notify: @Sendable (Notice) async -> Void) async {
        var wait = backOff.first
        var isAgain = false
        while !Task.isCancelled {
            do throws(LibvirtError) {
                let connection = try await Connection.open(
                    uri, readOnly: readOnly, keepalive: keepalive, authentication: authentication)
                let events = try await connection.events(selections)
                wait = backOff.first
                current.withLock { $0 = connection }
                await notify(.connected(connection))
                if isAgain { await notify(.gap) }
                isAgain = true
                try await forward(events, notify)
                current.withLock { $0 = nil }
                await connection.close()
            } catch {
                current.withLock { $0 = nil }
                if Task.isCancelled { return }
                await notify(.disconnected(error))
            }
            try? await Task.sleep(for: wait + wait * Double.random(in: 0...0.25))
            wait = min(wait * 2, backOff.longest)
        }
    }

    private func forward(
        _ events: EventSequence<LibvirtEvent>, _ notify: @Sendable (Notice) async -> Void
    ) async throws(LibvirtError) {
        var iterator = events.makeAsyncIterator()
        while let notice = try await iterator.next() {
            switch notice {
            case .event(let event): await notify(.event(event))
            case .lost, .undecodable: await notify(.gap)
            }
        }
    }
}

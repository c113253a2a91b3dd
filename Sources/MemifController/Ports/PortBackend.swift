public import LinuxIO

/// Makes ports. memif is one (``MemifPortBackend``); tests have their own.
public protocol PortBackend: Sendable {
    /// Opens a port's socket, listening and with its owner, group and mode, at its path.
    ///
    /// What stands at the path before is replaced when nobody holds it, and left alone otherwise.
    func open(_ specification: PortSpecification) throws(PortError) -> any Port

    /// Returns when every thread that serves ports has come round once: a back end that is stuck
    /// never does, and returns with the end of the task.
    func comeRound() async

    /// Returns when every line that ports have for the log is written, or the time has come.
    func flushLog(until deadline: ContinuousClock.Instant) async

    /// Calls back whenever a link of any port has come up or gone, with the domain and its name; the
    /// port's ``Port/traffic`` tells of it already. Called once, before any port is opened.
    func whenLinksChange(_ body: @escaping @Sendable (VMIdentifier, String) -> Void)

    /// Calls back whenever a peer's link has come up or ended, or a peer was turned away, without waiting.
    /// Called once, before any port is opened.
    func whenPeersCome(_ body: @escaping @Sendable (PeerNotice) -> Void)

    /// Calls back whenever a port's link has come up or gone, or its listener is another, with the socket's
    /// path and with what tells, on any thread, what another process needs to go on with the port should this
    /// one crash: nil where there is no link. Called once, before any port is opened, and only where somebody
    /// keeps that.
    func whenCrashStatesChange(
        _ body: @escaping @Sendable (String, @escaping @Sendable () -> FrozenPort?) -> Void)

    /// Where ports are that another process has left: whoever opens one at the same path and with the same
    /// settings gets it as it stands, its links with it. Called once, before any port is opened.
    func adopt(_ inherited: InheritedPorts)

    /// Closes ports of another process that are not to stand; their peers are told.
    func close(_ unwanted: InheritedPorts)
}

extension PortBackend {
    /// For back ends without threads.
    public func comeRound() async {}

    /// For back ends that write nothing later.
    public func flushLog(until deadline: ContinuousClock.Instant) async {}

    /// For back ends without links.
    public func whenLinksChange(_ body: @escaping @Sendable (VMIdentifier, String) -> Void) {}

    /// For back ends without links.
    public func whenPeersCome(_ body: @escaping @Sendable (PeerNotice) -> Void) {}

    /// For back ends whose ports end with the process.
    public func whenCrashStatesChange(
        _ body: @escaping @Sendable (String, @escaping @Sendable () -> FrozenPort?) -> Void
    ) {}

    /// For back ends that take nothing over.
    public func adopt(_ inherited: InheritedPorts) {}

    /// For back ends that take nothing over: peers see the end of their links.
    public func close(_ unwanted: InheritedPorts) {}
}

/// A port that stands, until it is closed.
public protocol Port: AnyObject, Sendable {
    /// Whether peers are served; those that are not are told the reason and let go.
    func setAdmission(_ admission: Admission)

    /// Whether frames of a peer are dropped and counted, as its domain stands still.
    func setPaused(_ isPaused: Bool)

    /// Gives the socket the owner, group and mode of the specification again, and makes it anew where
    /// it is gone. Links stand: a peer may be one that never connects again.
    func place(_ specification: PortSpecification) throws(PortError)

    /// Has peers that come show another secret from now on. Links stand.
    func acceptSecret(_ secret: PortSecret) throws(PortError)

    /// What stands at the socket's path now.
    func socketState() -> PortSocketState

    /// Tells peers why, lets them go, and removes the socket, all before it returns.
    func close(reason: String) async

    /// A channel that is connected to the port, for a peer that may not open the socket's path.
    ///
    /// - Parameter peer: who it is for; nil where the kernel did not say.
    func openChannel(for peer: PeerCredentials?) throws(PortError) -> OwnedDescriptor

    /// Whether it was another process's, and goes on here with whatever links it has.
    var isInherited: Bool { get }

    /// Peer and counters.
    var traffic: PortTraffic { get }

    /// The queues of the link that is up; empty without one.
    var queues: [PortQueue] { get }

    /// Returns when nobody is about to be connected, or the time has come.
    func settle(until deadline: ContinuousClock.Instant) async

    /// Stands still until ``thaw()``: nothing is received and nobody is answered. Peers notice nothing.
    ///
    /// - Returns: what another process needs to go on with it.
    /// - Throws: `PortError` where it cannot be; ``thaw()`` puts right what was begun.
    func freeze() async throws(PortError) -> FrozenPort

    /// Goes on; does nothing for a port that does.
    func thaw()

    /// Ends after ``freeze()`` without a word to anybody, for another process goes on with it: the socket
    /// file stays.
    func abandon()
}

extension Port {
    /// For ports that no other process has had.
    public var isInherited: Bool { false }
    /// For ports whose links have no queues.
    public var queues: [PortQueue] { [] }
    /// For ports that pass no frames.
    public func setPaused(_ isPaused: Bool) {}
    /// For ports that ask nobody.
    public func acceptSecret(_ secret: PortSecret) throws(PortError) {}

    /// For ports that connect nobody.
    public func settle(until deadline: ContinuousClock.Instant) async {}

    /// For ports that cannot be handed over.
    public func freeze() async throws(PortError) -> FrozenPort {
        throw PortError(
            reason: "this port cannot be handed to another process", remedy: "restart virtwired")
    }

    /// For ports that cannot be handed over.
    public func thaw() {}

    /// For ports that cannot be handed over.
    public func abandon() {}

    /// For ports that have nothing to hand over.
    public func openChannel(for peer: PeerCredentials?) throws(PortError) -> OwnedDescriptor {
        throw PortError(
            reason: "this port has no channel to hand over", remedy: "connect to its socket")
    }
}

/// Whether a port serves peers.
public enum Admission: Sendable, Hashable {
    /// It does.
    case open
    /// The peer that is connected goes on being served; no further one is.
    case draining
    /// It does not, and this is what peers are told.
    case closed(reason: String)

    /// Whether a peer may be connected.
    var isServing: Bool {
        switch self {
        case .open, .draining: true
        case .closed: false
        }
    }
}

/// What stands at a port's path.
public enum PortSocketState: Sendable, Hashable {
    /// The port's own socket, as it was placed.
    case standing
    /// The port's own socket, with another owner, group or mode than it was given.
    case altered
    /// Nothing, or something that is not the port's.
    case lost
}

/// Everything that a back end needs to open a port.
public struct PortSpecification: Sendable, Hashable {
    /// The domain that has the port.
    public var vm: VMIdentifier
    /// The domain's name, which peers see.
    public var domainName: String
    /// What was declared.
    public var declaration: PortDeclaration
    /// The socket's path.
    public var path: String
    /// The socket's user; nil leaves the process's own.
    public var user: UInt32?
    /// The socket's group; nil leaves what the directory gives.
    public var group: UInt32?
    /// The secret that a peer has to know.
    public var secret: PortSecret?
    /// The most bytes of memory that a peer can share with this side.
    public var memory: UInt64
    /// Whether peers are served from the first moment.
    public var admission: Admission

    /// The mode of every socket: its user and group, and nobody else.
    public static let mode: UInt32 = 0o660
}

/// Why a port does not stand.
public struct PortError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public var reason: String
    /// What to do about it.
    public var remedy: String

    /// Makes an error.
    public init(reason: String, remedy: String) {
        self.reason = reason
        self.remedy = remedy
    }

    /// One sentence.
    public var description: String { remedy.isEmpty ? reason : "\(reason); \(remedy)" }
}

/// How a port is: for an operator to read and for a program to compare.
public struct PortCondition: Sendable, Hashable {
    /// How a port is, in one word.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Socket and link are as declared, and a peer is connected.
        case connected = "Connected"
        /// Socket and link are as declared; a peer that connects is served.
        case ready = "Ready"
        /// The socket stands; the link waits for the domain to run.
        case waiting = "Waiting"
        /// The host is being drained: a peer that is connected goes on, no further one is served.
        case draining = "Draining"
        /// Something works, and something is not as declared.
        case degraded = "Degraded"
        /// There would be a socket, if the daemon did more than observe.
        case planned = "Planned"
        /// There is no socket.
        case failed = "Failed"
    }

    /// In one word.
    public var state: State
    /// Why; empty where there is nothing to say.
    public var reason: String
    /// What to do; empty where nothing has to be done.
    public var remedy: String

    /// Makes a condition.
    public init(_ state: State, reason: String = "", remedy: String = "") {
        self.state = state
        self.reason = reason
        self.remedy = remedy
    }
}

/// The other end of a port's link.
public struct PortPeer: Sendable, Hashable {
    /// What it calls itself; any text at all.
    public var name: String
    /// Its process, as the kernel recorded it at connect.
    public var process: Int32
    /// Its user, as the kernel recorded it at connect.
    public var user: UInt32

    /// Makes a description.
    public init(name: String, process: Int32, user: UInt32) {
        self.name = name
        self.process = process
        self.user = user
    }
}

/// What a port's peer and counters are, as its back end reports them.
public struct PortTraffic: Sendable, Hashable {
    /// Whether frames can pass.
    public var isLinkUp = false
    /// Who is connected; nil without anyone.
    public var peer: PortPeer?
    /// Frames from the peer.
    public var receivedPackets: UInt64 = 0
    /// Bytes from the peer.
    public var receivedBytes: UInt64 = 0
    /// Frames to the peer.
    public var sentPackets: UInt64 = 0
    /// Bytes to the peer.
    public var sentBytes: UInt64 = 0
    /// Frames that could not be passed on, for whatever reason.
    public var droppedPackets: UInt64 = 0
    /// Those of them that were thrown away as they came: longer than allowed, or empty.
    public var malformedPackets: UInt64 = 0
    /// Those of them for which the peer's ring had no room.
    public var unsentPackets: UInt64 = 0
    /// Those of them that came while the domain stood still.
    public var pausedPackets: UInt64 = 0
    /// Those of them that an earlier process could not pass on, of a version that did not say why.
    public var earlierDrops: UInt64 {
        let known = malformedPackets + unsentPackets + pausedPackets
        return droppedPackets > known ? droppedPackets - known : 0
    }
    /// Links that came up so far.
    public var connects: UInt64 = 0
    /// Links that ended so far.
    public var disconnects: UInt64 = 0
    /// Peers that were turned away so far, or ended before their link was up.
    public var refusals: UInt64 = 0
    /// When the link came up or ended last, in milliseconds since 1970; nil before that.
    public var linkChanged: Int64?
    /// Why the last link ended; nil before the first has.
    public var lastDisconnect: String?

    /// A port that nobody has connected to.
    public init() {}
}

/// What went through one queue of a port's link since that came up.
public struct PortQueue: Sendable, Hashable {
    /// Whether it carries frames from the peer; else it carries them to the peer.
    public var isFromPeer: Bool
    /// Its number among those of its direction.
    public var index: Int
    /// Its number of slots.
    public var ringSize: Int
    /// Whole frames.
    public var packets: UInt64
    /// Their bytes.
    public var bytes: UInt64
    /// Frames thrown away: longer than allowed, or empty.
    public var drops: UInt64
    /// To the peer: bursts that found no room for all of their frames.
    public var fullBursts: UInt64
    /// To the peer: interrupts raised.
    public var interrupts: UInt64
    /// From the peer: how often the daemon went to sleep until an interrupt.
    public var sleeps: UInt64
}

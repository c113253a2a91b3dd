public import LinuxIO

/// What there is to know of a link: a picture of one moment.
public struct LinkDetails: Hashable, Sendable {
    /// One queue and its ring.
    public struct Queue: Hashable, Sendable {
        /// Its number among those of its direction.
        public var index: Int
        /// Which way it carries frames.
        public var direction: RingDirection
        /// Its number of slots.
        public var ringSize: Int
        /// The region that the ring lies in.
        public var region: Int
        /// Where it begins there, in bytes.
        public var offset: Int
        /// The slave's index, as it stands in shared memory: nothing to rely on.
        public var head: UInt16
        /// The master's index, as it stands in shared memory: nothing to rely on.
        public var tail: UInt16
        /// Whether the receiver asks for no interrupts now.
        public var areInterruptsMasked: Bool
        /// Whether somebody works it.
        public var isTaken: Bool
        /// What went through.
        public var counters: QueueCounters

        init(_ ring: Ring, role: MemifRole, counters: QueueCounters) {
            let place = ring.announcement
            let (own, peer) = (ring.memory.ownIndexAtStart(), ring.memory.peerIndex())
            index = Int(place.index)
            direction = place.direction
            ringSize = Int(ring.memory.size)
            region = Int(place.region)
            offset = Int(place.offset)
            head = role == .slave ? own : peer
            tail = role == .slave ? peer : own
            areInterruptsMasked = ring.memory.areInterruptsMasked
            isTaken = ring.isTaken
            self.counters = counters
        }
    }

    /// Which end we are.
    public var role: MemifRole
    /// Whether the link is up.
    public var isUp: Bool
    /// The interface's id.
    public var id: UInt32
    /// What it carries.
    public var mode: InterfaceMode
    /// Our name for the interface.
    public var name: String
    /// The peer program's name.
    public var peerName: String
    /// The peer's name for its interface.
    public var peerInterfaceName: String
    /// Who the peer is, as the kernel knows it.
    public var peer: PeerCredentials?
    /// How long ago it came up.
    public var age: Duration
    /// The sizes of its regions in bytes; none once the link is over.
    public var regionByteCounts: [Int]
    /// The queues that we receive from; none once the link is over.
    public var receiveQueues: [Queue]
    /// The queues that we send on; none once the link is over.
    public var transmitQueues: [Queue]
}

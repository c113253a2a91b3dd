/// A message of the control channel.
///
/// Source: memif.h, `memif_msg_t`; type numbers as there. Descriptors travel beside the message:
/// ADD_REGION carries the region's file, ADD_RING the ring's eventfd, no other carries one.
public enum ControlMessage: Hashable, Sendable {
    /// NONE (0): means nothing, and no peer has a reason to send it.
    case noOperation
    /// ACK (1), by the master: the message before it was accepted.
    case acknowledge
    /// HELLO (2), by the master, first of all.
    case hello(Hello)
    /// INIT (3), by the slave.
    case initialize(Initialize)
    /// ADD_REGION (4), by the slave, with the region's file.
    case addRegion(AddRegion)
    /// ADD_RING (5), by the slave, with the ring's eventfd.
    case addRing(AddRing)
    /// CONNECT (6), by the slave: everything is announced. Carries its interface's name.
    case connect(interfaceName: String)
    /// CONNECTED (7), by the master: the link is up. Carries its interface's name.
    case connected(interfaceName: String)
    /// DISCONNECT (8), by either end.
    case disconnect(DisconnectReason)

    /// What the master says first. All limits are the largest *index*, not the count.
    public struct Hello: Hashable, Sendable {
        /// The program's name, at most 31 bytes.
        public var name: String
        /// The oldest version that the master speaks.
        public var oldestVersion: UInt16
        /// The newest version that the master speaks.
        public var newestVersion: UInt16
        /// The largest region index.
        public var largestRegionIndex: UInt16
        /// The largest index of a ring from master to slave. (It stands before the other one.)
        public var largestMasterToSlaveIndex: UInt16
        /// The largest index of a ring from slave to master.
        public var largestSlaveToMasterIndex: UInt16
        /// The largest ring size as a power of two.
        public var largestLog2RingSize: UInt8

        /// Makes a HELLO; the defaults are what every known master announces.
        public init(
            name: String, oldestVersion: UInt16 = MemifProtocol.version,
            newestVersion: UInt16 = MemifProtocol.version, largestRegionIndex: UInt16 = 255,
            largestMasterToSlaveIndex: UInt16 = 255, largestSlaveToMasterIndex: UInt16 = 255,
            largestLog2RingSize: UInt8 = MemifProtocol.largestLog2RingSize
        ) {
            self.name = name
            self.oldestVersion = oldestVersion
            self.newestVersion = newestVersion
            self.largestRegionIndex = largestRegionIndex
            self.largestMasterToSlaveIndex = largestMasterToSlaveIndex
            self.largestSlaveToMasterIndex = largestSlaveToMasterIndex
            self.largestLog2RingSize = largestLog2RingSize
        }
    }

    /// The slave's choice of interface.
    public struct Initialize: Hashable, Sendable {
        /// The version, chosen from the master's range.
        public var version: UInt16
        /// The interface's id on the master's socket.
        public var id: UInt32
        /// The mode's number; see `InterfaceMode`.
        public var mode: UInt8
        /// The secret; empty when the slave has none.
        public var secret: Secret
        /// The program's name, at most 31 bytes.
        public var name: String

        /// Makes an INIT.
        public init(
            version: UInt16 = MemifProtocol.version, id: UInt32,
            mode: UInt8 = InterfaceMode.ethernet.rawValue, secret: Secret = .none, name: String
        ) {
            self.version = version
            self.id = id
            self.mode = mode
            self.secret = secret
            self.name = name
        }
    }

    /// A piece of memory that both ends will share.
    public struct AddRegion: Hashable, Sendable {
        /// Its number, from 0 on in order.
        public var index: UInt16
        /// Its size in bytes.
        public var byteCount: UInt64

        /// Makes an ADD_REGION.
        public init(index: UInt16, byteCount: UInt64) {
            self.index = index
            self.byteCount = byteCount
        }
    }

    /// A ring within a region.
    public struct AddRing: Hashable, Sendable {
        /// Which way it carries frames (bit 0 of the flags).
        public var direction: RingDirection
        /// Its number among those of its direction, from 0 on in order.
        public var index: UInt16
        /// The region that it lies in.
        public var region: UInt16
        /// Where it begins in the region, in bytes.
        public var offset: UInt32
        /// Its number of slots as a power of two.
        public var log2Size: UInt8
        /// Bytes before each frame that are the sender's own; no peer uses any but 0.
        public var privateHeaderByteCount: UInt16

        /// Makes an ADD_RING.
        public init(
            direction: RingDirection, index: UInt16, region: UInt16, offset: UInt32,
            log2Size: UInt8, privateHeaderByteCount: UInt16 = 0
        ) {
            self.direction = direction
            self.index = index
            self.region = region
            self.offset = offset
            self.log2Size = log2Size
            self.privateHeaderByteCount = privateHeaderByteCount
        }
    }

    /// The message's name in memif.h.
    public var name: String {
        switch self {
        case .noOperation: "NONE"
        case .acknowledge: "ACK"
        case .hello: "HELLO"
        case .initialize: "INIT"
        case .addRegion: "ADD_REGION"
        case .addRing: "ADD_RING"
        case .connect: "CONNECT"
        case .connected: "CONNECTED"
        case .disconnect: "DISCONNECT"
        }
    }

    /// How many descriptors must come with it.
    public var descriptorCount: Int {
        switch self {
        case .addRegion, .addRing: 1
        case .noOperation, .acknowledge, .hello, .initialize, .connect, .connected, .disconnect: 0
        }
    }
}

/// A message that is none.
public enum ControlMessageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not 128 bytes.
    case wrongLength(Int)
    /// A type that memif does not know.
    case unknownType(UInt16)

    /// One sentence.
    public var description: String {
        switch self {
        case .wrongLength(let count):
            "a control message of \(count) bytes (all have \(MemifProtocol.messageByteCount))"
        case .unknownType(let type): "a control message of the unknown type \(type)"
        }
    }
}

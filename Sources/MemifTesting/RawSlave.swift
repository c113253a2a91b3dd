public import LinuxIO
public import Memif

/// A slave made of raw parts: it goes through a handshake like any other, and then writes into its
/// rings whatever a test wants.
public final class RawSlave: Sendable {
    /// What it offers. The rings lie one after the other, then the buffers.
    public struct Shape: Sendable {
        /// The interface's id.
        public var id: UInt32 = 0
        /// The secret.
        public var secret = Secret.none
        /// The rings' size as a power of two.
        public var log2Size: UInt8 = 4
        /// Bytes of each buffer.
        public var bufferSize = 2048
        /// The rings' layout.
        public var layout = RingLayout.lines64
        /// Bytes between a ring's end and what comes behind it.
        public var gap = 0
        /// The seals of its memory.
        public var seals: Seals = [.shrink, .grow]

        /// One ring each way, of sixteen slots.
        public init() {}

        var ringSpacing: Int { layout.byteCount(log2Size: log2Size) + gap }
    }

    /// Its control channel.
    public let peer: RawPeer
    /// Its memory: region 0.
    public let memory: RawMemory
    /// The ring that it sends on.
    public let sending: RawRing
    /// The ring that it receives from.
    public let receiving: RawRing
    /// The eventfd of the ring that it sends on.
    public let sendingInterrupt: EventCounter
    /// The eventfd of the ring that it receives from.
    public let receivingInterrupt: EventCounter
    /// What it offers.
    public let shape: Shape

    /// Connects, and says nothing yet.
    public init(to address: UnixAddress, _ shape: Shape = Shape()) throws(SystemError) {
        self.shape = shape
        peer = try RawPeer(connectingTo: address)
        let ringBytes = shape.ringSpacing
        let slots = 1 << Int(shape.log2Size)
        memory = try RawMemory(
            byteCount: 2 * ringBytes + 2 * slots * shape.bufferSize, seals: shape.seals)
        sending = RawRing(memory, at: 0, log2Size: shape.log2Size, layout: shape.layout)
        receiving = RawRing(memory, at: ringBytes, log2Size: shape.log2Size, layout: shape.layout)
        sendingInterrupt = try EventCounter()
        receivingInterrupt = try EventCounter()
        for ring in [sending, receiving] { ring.setCookie() }
    }

    /// The offset of a slot's buffer.
    public func bufferOffset(_ ring: RawRing, _ index: UInt16) -> UInt32 {
        let slots = 1 << Int(shape.log2Size)
        let first = 2 * shape.ringSpacing
        let position = (ring.offset == 0 ? 0 : slots) + Int(index) % slots
        return UInt32(first + position * shape.bufferSize)
    }

    /// The announcements of its two rings.
    public var announcements: [ControlMessage.AddRing] {
        [
            ControlMessage.AddRing(
                direction: .slaveToMaster, index: 0, region: 0, offset: 0, log2Size: shape.log2Size),
            ControlMessage.AddRing(
                direction: .masterToSlave, index: 0, region: 0,
                offset: UInt32(receiving.offset), log2Size: shape.log2Size),
        ]
    }

    /// Goes through the handshake as far as INIT's ACK.
    public func initialize() async throws {
        try await peer.expect("HELLO")
        try peer.send(
            .initialize(
                ControlMessage.Initialize(id: shape.id, secret: shape.secret, name: "raw")))
        try await peer.expect("ACK")
    }

    /// Announces its region.
    public func addRegion(byteCount: Int? = nil) async throws {
        let region = ControlMessage.AddRegion(
            index: 0, byteCount: UInt64(byteCount ?? memory.byteCount))
        try peer.send(.addRegion(region), descriptors: [memory.file.rawValue])
        try await peer.expect("ACK")
    }

    /// Announces its two rings.
    public func addRings() async throws {
        for ring in announcements {
            let interrupt =
                ring.direction == .slaveToMaster
                ? sendingInterrupt.descriptor.rawValue : receivingInterrupt.descriptor.rawValue
            try peer.send(.addRing(ring), descriptors: [interrupt])
            try await peer.expect("ACK")
        }
    }

    /// Goes through the whole handshake, and hands its empty buffers out.
    public func connect() async throws {
        try await initialize()
        try await addRegion()
        try await addRings()
        try peer.send(.connect(interfaceName: "raw0"))
        try await peer.expect("CONNECTED")
        let slots = UInt16(1) << UInt16(shape.log2Size)
        for index in 0..<slots {
            receiving.setDescriptor(
                index, length: UInt32(shape.bufferSize), offset: bufferOffset(receiving, index))
        }
        receiving.head = slots
    }

    /// Puts a frame into the next slot and publishes it, as an honest slave does.
    public func transmit(_ frame: [UInt8]) {
        let head = sending.head
        memory.set(frame, at: Int(bufferOffset(sending, head)))
        sending.setDescriptor(
            head, length: UInt32(frame.count), offset: bufferOffset(sending, head))
        sending.head = head &+ 1
        sendingInterrupt.signal()
    }
}

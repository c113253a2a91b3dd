internal import LinuxIO
public import Memif

/// The hostile end of a link that is up: two rings, their memory and their eventfds, the same to write on
/// whichever role the hostile plays.
public struct HostileEnd: Sendable {
    /// The hostile's role.
    public let role: MemifRole
    /// Its control channel, over which it will be told.
    public let peer: RawPeer
    /// The memory of both rings and all buffers.
    public let memory: RawMemory
    /// The ring that the victim receives from.
    public let sending: RawRing
    /// The ring that the victim sends on.
    public let receiving: RawRing
    /// The eventfd of `sending`.
    public let sendingInterrupt: RawInterrupt
    /// The eventfd of `receiving`.
    public let receivingInterrupt: RawInterrupt

    /// A hostile slave that is connected.
    public init(_ slave: RawSlave) throws {
        role = .slave
        peer = slave.peer
        memory = slave.memory
        sending = slave.sending
        receiving = slave.receiving
        sendingInterrupt = try Self.copy(slave.sendingInterrupt)
        receivingInterrupt = try Self.copy(slave.receivingInterrupt)
    }

    /// A hostile master whose slave is connected.
    public init(_ slave: RawMaster.Slave) throws {
        role = .master
        peer = slave.peer
        guard let sending = slave.ring(.masterToSlave), let receiving = slave.ring(.slaveToMaster),
            let sender = slave.announcements.firstIndex(where: { $0.direction == .masterToSlave }),
            let receiver = slave.announcements.firstIndex(where: { $0.direction == .slaveToMaster })
        else { throw RawPeerError("the slave has no ring in one direction") }
        memory = sending.memory
        self.sending = sending
        self.receiving = receiving
        sendingInterrupt = slave.interrupts[sender]
        receivingInterrupt = slave.interrupts[receiver]
    }

    private static func copy(_ counter: borrowing EventCounter) throws -> RawInterrupt {
        RawInterrupt(try EventCounter(adopting: counter.descriptor.duplicate()))
    }

    /// The number of slots of each ring.
    public var ringSize: UInt16 { 1 << UInt16(sending.log2Size) }

    /// Waits until the victim's own index of a ring is something.
    public func awaitVictim(
        _ ring: RawRing, at index: UInt16, within limit: Duration = .seconds(20)
    ) async throws {
        let arrival: Void? = await look(within: limit) { victimIndex(ring) == index ? () : nil }
        guard arrival != nil else {
            throw RawPeerError("the victim stands at \(victimIndex(ring)), not \(index)")
        }
    }

    /// Waits until the victim has taken a number of slots from the ring that it receives from; with 0,
    /// until it has begun to.
    public func awaitConsumed(_ count: Int) async throws {
        let start = role == .slave ? 0 : Int(ringSize)
        try await awaitVictim(sending, at: UInt16(truncatingIfNeeded: start + count))
    }

    /// The victim's index of a ring, as it stands in shared memory.
    public func victimIndex(_ ring: RawRing) -> UInt16 {
        role == .slave ? ring.tail : ring.head
    }

    /// Writes the victim's index, which is not the hostile's to write.
    public func setVictimIndex(_ index: UInt16, of ring: RawRing) {
        if role == .slave { ring.tail = index } else { ring.head = index }
    }

    /// The hostile's own index of a ring.
    public func ownIndex(_ ring: RawRing) -> UInt16 { role == .slave ? ring.head : ring.tail }

    /// Writes the hostile's own index, and raises the interrupt of the ring it sends on.
    public func publish(_ index: UInt16, on ring: RawRing) {
        if role == .slave { ring.head = index } else { ring.tail = index }
        sendingInterrupt.counter.signal()
    }

    /// Where the buffer of a slot of the sending ring lies.
    public func buffer(_ index: UInt16) -> UInt32 {
        guard role == .slave else { return sending.bufferOffset(index) }
        let rings = 2 * sending.layout.byteCount(log2Size: sending.log2Size)
        return UInt32(rings + Int(index & (ringSize - 1)) * 2048)
    }

    /// Describes a frame or a part of one in a slot, with bytes in its buffer; publishes nothing.
    public func describe(_ bytes: [UInt8], hasNext: Bool = false, at index: UInt16) {
        let place = buffer(index)
        memory.set(bytes, at: Int(place))
        sending.setDescriptor(
            index, hasNext: hasNext, length: UInt32(bytes.count), offset: place)
    }

    /// Sends an honest frame.
    public func transmit(_ bytes: [UInt8]) {
        let index = ownIndex(sending)
        describe(bytes, at: index)
        publish(index &+ 1, on: sending)
    }
}

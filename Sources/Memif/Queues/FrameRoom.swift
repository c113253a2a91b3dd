/// Room for frames in the ring itself: they are written where the receiver will read them.
///
/// Made by `TransmitQueue.makeRoom`, filled by `reserve`, sent by `transmitBurst`. As a master it is
/// the slave's memory that is written. The spans cannot outlive this room.
public struct FrameRoom: ~Copyable, Sendable {
    /// Each a frame of its own here, however they are chained.
    var pieces: FramePieces
    /// Which state of the queue it was reserved in; nil when nothing is.
    var ticket: UInt64?

    init(_ ring: Ring, of memory: LinkMemory, capacity: Int) {
        pieces = FramePieces(ring, of: memory, frameCapacity: capacity)
    }

    /// How many buffers it can hold.
    public var capacity: Int { pieces.frameCapacity }

    /// How many buffers are reserved.
    public var count: Int { pieces.pieceCount }

    /// The bytes that fit into a buffer.
    public func byteCapacity(of buffer: Int) -> Int { Int(pieces[buffer].descriptor.length) }

    /// All the room of a buffer, or what `setByteCount` left of it. What is there is not defined.
    @_lifetime(&self)
    public mutating func bytes(of buffer: Int) -> MutableRawSpan {
        pieces.mutableBytes(of: buffer)
    }

    /// Says how many bytes of a buffer the frame takes; without it, it takes all.
    ///
    /// - Parameter continues: the frame goes on in the next buffer.
    /// - Returns: false when the buffer has no room for as many.
    @discardableResult
    public mutating func setByteCount(
        _ count: Int, of buffer: Int, continues: Bool = false
    ) -> Bool {
        guard count > 0, pieces[buffer].setByteCount(count) else { return false }
        pieces[buffer].hasNext = continues
        return true
    }

    /// Copies bytes into a buffer and says that the frame takes as many.
    ///
    /// - Parameter continues: the frame goes on in the next buffer.
    /// - Returns: false when there are none or the buffer has no room for them.
    @discardableResult
    public mutating func write(
        _ bytes: RawSpan, to buffer: Int, continues: Bool = false
    ) -> Bool {
        guard setByteCount(bytes.byteCount, of: buffer, continues: continues) else { return false }
        pieces.copyIn(bytes, to: buffer)
        return true
    }
}

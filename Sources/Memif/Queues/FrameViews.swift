/// Received frames where they lie in shared memory: nothing is copied, nothing touched.
///
/// Made by `ReceiveQueue.makeViews`, filled by `receiveBurst(into:)`, again and again. The spans
/// cannot outlive these views. While the frames are held the sender cannot use their slots: release
/// them soon, by the next burst or `release`. Several views of one queue may hold frames at a time; they
/// are released in the order in which they were filled.
///
/// The peer can change the bytes at any moment, also between two reads of the same one. No length
/// or place is taken from there, so nothing beyond the frame is ever touched; but whoever decides on
/// the content must do so on a copy: `copyFrame(at:into:)` makes one.
public struct FrameViews: ~Copyable, Sendable {
    var pieces: FramePieces
    /// Which burst of the queue's filled it; nil while it holds nothing of the ring.
    var ticket: UInt32?
    /// The index of the ring at which that burst ended.
    var end: UInt16 = 0

    init(_ ring: Ring, of memory: LinkMemory, frameCapacity: Int) {
        pieces = FramePieces(ring, of: memory, frameCapacity: frameCapacity)
    }

    /// How many frames it can hold.
    public var frameCapacity: Int { pieces.frameCapacity }

    /// How many frames it holds.
    public var count: Int { pieces.frameCount }

    /// Whether it holds none.
    public var isEmpty: Bool { count == 0 }

    /// The length of a frame in bytes, all pieces together.
    public func byteCount(of frame: Int) -> Int {
        var total = 0
        for piece in pieces.range(of: frame) { total &+= Int(pieces[piece].byteCount) }
        return total
    }

    /// How many pieces a frame has: 1, unless it is chained. They are empty once it has gone on to another ring.
    public func pieceCount(of frame: Int) -> Int { pieces.range(of: frame).count }

    /// The bytes of a frame that has one piece; of a chained one, the first piece.
    public subscript(frame: Int) -> RawSpan {
        @_lifetime(borrow self)
        borrowing get { pieces.bytes(of: pieces.range(of: frame).lowerBound) }
    }

    /// The bytes of a piece of a frame.
    @_lifetime(borrow self)
    public borrowing func piece(_ piece: Int, of frame: Int) -> RawSpan {
        pieces.bytes(of: number(piece, of: frame))
    }

    /// The bytes of a piece of a frame, to be changed in place: a frame that goes back or on can be
    /// rewritten where it is.
    @_lifetime(&self)
    public mutating func mutablePiece(_ piece: Int = 0, of frame: Int) -> MutableRawSpan {
        let number = number(piece, of: frame)
        return pieces.mutableBytes(of: number)
    }

    /// Copies a frame out of the peer's reach, to the end of a batch.
    ///
    /// - Returns: false when the batch has no room for it.
    @discardableResult
    public func copyFrame(at frame: Int, into batch: inout FrameBatch) -> Bool {
        guard batch.hasFreeEntry else { return false }
        for piece in pieces.range(of: frame) where !batch.extend(with: pieces.bytes(of: piece)) {
            batch.abandonFrame()
            return false
        }
        batch.closeFrame()
        return true
    }

    /// Bytes before a frame that are free for a header: `InterfaceConfiguration.headroom` as a slave,
    /// none as a master, and what was cut by `trimFront`.
    public func headroom(of frame: Int) -> Int {
        Int(pieces[pieces.range(of: frame).lowerBound].headroom)
    }

    /// Lets a frame begin earlier, in its headroom; what is there is not defined.
    ///
    /// - Returns: false when there is not as much room.
    public mutating func extendFront(of frame: Int, by byteCount: Int) -> Bool {
        byteCount >= 0 && moveStart(of: frame, by: -byteCount)
    }

    /// Cuts bytes off a frame's first piece, at its start.
    ///
    /// - Returns: false when it has not as many.
    public mutating func trimFront(of frame: Int, by byteCount: Int) -> Bool {
        byteCount >= 0 && moveStart(of: frame, by: byteCount)
    }

    private mutating func moveStart(of frame: Int, by offset: Int) -> Bool {
        pieces[pieces.range(of: frame).lowerBound].moveStart(by: offset)
    }

    private func number(_ piece: Int, of frame: Int) -> Int {
        let range = pieces.range(of: frame)
        precondition(piece >= 0 && piece < range.count, "no such piece of the frame")
        return range.lowerBound + piece
    }
}

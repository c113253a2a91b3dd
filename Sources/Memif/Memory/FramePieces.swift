// SAFETY of the whole file: a piece is only made by a `BufferSpace`, which has checked its address
// and length against the regions; whoever changes it stays within that buffer. The regions stay mapped
// while `memory` is held. Both tables have the capacities that are named, and indexes are checked
// against the counts of what was initialized.

/// A part of a frame where it lies in shared memory: all of it, unless the frame is chained.
@safe
struct FramePiece: @unchecked Sendable {
    // @unchecked: a constant address; the bytes behind it are the peer's to change at any time.

    /// Where it begins.
    private(set) var address: UnsafeMutableRawPointer
    /// A private copy of the descriptor that it was made from; the length is the room there.
    let descriptor: Descriptor
    /// How long it is.
    private(set) var byteCount: UInt32
    /// Bytes of the buffer before it.
    private(set) var headroom: UInt32
    /// The index of its slot in the ring.
    let slot: UInt16
    /// Whether the frame goes on in the next piece.
    var hasNext: Bool

    @unsafe @inline(__always)
    init(
        address: UnsafeMutableRawPointer, descriptor: Descriptor, headroom: UInt32, slot: UInt16
    ) {
        unsafe self.address = address
        self.descriptor = descriptor
        byteCount = descriptor.length
        self.headroom = headroom
        self.slot = slot
        hasNext = descriptor.hasNext
    }

    /// Sets the length; false for one that its buffer has no room for.
    mutating func setByteCount(_ count: Int) -> Bool {
        guard count >= 0, count <= Int(descriptor.length) else { return false }
        byteCount = UInt32(count)
        return true
    }

    /// Moves its start, forward within itself or back into the headroom; false where there is none.
    mutating func moveStart(by offset: Int) -> Bool {
        guard offset >= -Int(headroom), offset <= Int(byteCount) else { return false }
        unsafe address += offset
        byteCount = UInt32(Int(byteCount) - offset)
        headroom = UInt32(Int(headroom) + offset)
        return true
    }
}

/// Pieces of frames of one queue, in order, and where each frame begins among them.
@safe
struct FramePieces: ~Copyable, @unchecked Sendable {
    // @unchecked: the tables have this one owner.

    let frameCapacity: Int
    let pieceCapacity: Int
    private(set) var frameCount = 0
    private(set) var pieceCount = 0
    /// Pieces of frames that are whole.
    private var closedCount = 0
    /// The ring whose pieces these are: also what keeps its memory mapped.
    let ring: Ring
    private let memory: LinkMemory
    private let pieces: UnsafeMutablePointer<FramePiece>
    private let starts: UnsafeMutablePointer<UInt32>

    init(_ ring: Ring, of memory: LinkMemory, frameCapacity: Int) {
        precondition(
            frameCapacity >= 1 && frameCapacity <= 65_536, "views hold 1 to 65,536 frames")
        self.ring = ring
        self.memory = memory
        self.frameCapacity = frameCapacity
        pieceCapacity = max(frameCapacity, Int(ring.memory.size))
        unsafe pieces = .allocate(capacity: pieceCapacity)
        unsafe starts = .allocate(capacity: frameCapacity + 1)
        unsafe starts.initialize(to: 0)
    }

    deinit {
        unsafe pieces.deallocate()
        unsafe starts.deallocate()
    }

    @inline(__always)
    mutating func removeAll() {
        frameCount = 0
        pieceCount = 0
        closedCount = 0
    }

    /// Whether there is room for a frame of one piece.
    @inline(__always)
    var hasRoom: Bool { frameCount < frameCapacity && pieceCount < pieceCapacity }

    /// Adds a piece to the frame at the end; the caller has seen that there is room.
    @inline(__always)
    mutating func append(_ piece: FramePiece) {
        precondition(pieceCount < pieceCapacity)
        unsafe (pieces + pieceCount).initialize(to: piece)
        pieceCount &+= 1
    }

    /// Ends the frame at the end.
    @inline(__always)
    mutating func closeFrame() {
        precondition(frameCount < frameCapacity)
        frameCount &+= 1
        closedCount = pieceCount
        unsafe (starts + frameCount).initialize(to: UInt32(truncatingIfNeeded: pieceCount))
    }

    /// Forgets the pieces of the frame at the end.
    mutating func abandonFrame() { pieceCount = closedCount }

    /// The pieces of a frame.
    @inline(__always)
    func range(of frame: Int) -> Range<Int> {
        precondition(frame >= 0 && frame < frameCount, "no such frame")
        return unsafe Int(starts[frame])..<Int(starts[frame + 1])
    }

    /// A piece by its number among all.
    subscript(piece: Int) -> FramePiece {
        @inline(__always) get {
            precondition(piece >= 0 && piece < pieceCount, "no such piece")
            return unsafe pieces[piece]
        }
        @inline(__always) set {
            precondition(piece >= 0 && piece < pieceCount, "no such piece")
            unsafe pieces[piece] = newValue
        }
    }

    /// The bytes of a piece.
    @inline(__always)
    @_lifetime(borrow self)
    borrowing func bytes(of piece: Int) -> RawSpan {
        let piece = self[piece]
        let span = unsafe RawSpan(
            _unsafeStart: piece.address, byteCount: Int(piece.byteCount))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The bytes of a piece, to be written.
    @inline(__always)
    @_lifetime(&self)
    mutating func mutableBytes(of piece: Int) -> MutableRawSpan {
        let piece = self[piece]
        let span = unsafe MutableRawSpan(
            _unsafeStart: piece.address, byteCount: Int(piece.byteCount))
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Copies as many bytes to a piece as it is long.
    mutating func copyIn(_ bytes: RawSpan, to piece: Int) {
        let piece = self[piece]
        precondition(bytes.byteCount == Int(piece.byteCount), "a piece is written as a whole")
        unsafe bytes.withUnsafeBytes { source in
            guard let base = source.baseAddress else { return }
            unsafe piece.address.copyMemory(from: base, byteCount: source.count)
        }
    }
}

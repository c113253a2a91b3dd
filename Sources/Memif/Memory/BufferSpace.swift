// SAFETY of the whole file: every address is made from a base that a `LinkMemory` keeps mapped and an
// offset and length that were compared, in 64-bit arithmetic, with that mapping's size in the same function.

/// Where one ring's buffers are, and the only way to their bytes.
///
/// The slave knows its own buffers by their slots and never reads a place back from shared memory. The
/// master finds a buffer by the descriptor, which it checks, on its private copy, at every use.
@safe
struct BufferSpace: @unchecked Sendable {
    // @unchecked: constant addresses; the bytes behind them are the peer's to change at any time.

    /// One region's place.
    @unsafe
    struct Extent {
        let base: UnsafeMutableRawPointer
        let byteCount: UInt64
    }

    /// The region that holds the slave's own buffers; nil as a master.
    private let ownBase: UnsafeMutableRawPointer?
    /// Where each slot's own buffer begins in that region: what the slave knows, whatever the ring says.
    private let ownOffsets: UnsafeMutablePointer<UInt32>
    private let ownRegion: UInt16
    private let slotMask: UInt16
    /// Bytes of each own buffer before the place where frames are put.
    let headroom: UInt32
    /// The room of each own buffer behind its headroom, in bytes.
    let capacity: UInt32
    private let extents: UnsafePointer<Extent>
    private let extentCount: Int

    /// The master's view: any place in any region.
    @unsafe
    init(extents: UnsafePointer<Extent>, count: Int, noOffsets: UnsafeMutablePointer<UInt32>) {
        unsafe ownBase = nil
        unsafe ownOffsets = noOffsets
        ownRegion = 0
        slotMask = 0
        headroom = 0
        capacity = 0
        unsafe self.extents = extents
        extentCount = count
    }

    /// The slave's view: the buffers of one ring, one for each slot.
    ///
    /// - Parameter queue: the ring's number among those of its direction.
    /// - Parameter offsets: the ring's part of the table, whose every entry has a whole buffer behind it.
    @unsafe
    init(
        extents: UnsafePointer<Extent>, count: Int, geometry: SlaveGeometry, queue: Int,
        offsets: UnsafeMutablePointer<UInt32>
    ) {
        let region = geometry.bufferRegion(queue)
        precondition(Int(region) < count, "the slave's buffers lie in a region that is not there")
        unsafe ownBase = extents[Int(region)].base
        unsafe ownOffsets = offsets
        ownRegion = region
        slotMask = UInt16(geometry.ringSize - 1)
        headroom = UInt32(geometry.headroom)
        capacity = UInt32(geometry.bufferSize(queue))
        unsafe self.extents = extents
        extentCount = count
    }

    /// Whether this end owns the buffers.
    @inline(__always)
    var isOwner: Bool { unsafe ownBase != nil }

    /// The descriptor of a slot's own empty buffer.
    @inline(__always)
    func emptyDescriptor(slot index: UInt16) -> Descriptor {
        let offset = unsafe ownOffsets[Int(index & slotMask)]
        return Descriptor(
            hasNext: false, region: ownRegion, length: capacity, offset: offset &+ headroom)
    }

    /// Where the bytes of a slot are, or nil for a descriptor that points beyond what is there.
    @unsafe @inline(__always)
    func address(
        _ descriptor: Descriptor, slot index: UInt16
    ) -> UnsafeMutableRawPointer? {
        if let own = ownSlots { return unsafe own.address(descriptor, slot: index) }
        return unsafe peerSlots.address(descriptor, slot: index)
    }

    /// The slave's own slots; nil as a master.
    @inline(__always)
    var ownSlots: OwnSlots? {
        guard let ownBase = unsafe ownBase else { return nil }
        return unsafe OwnSlots(
            base: ownBase, offsets: ownOffsets, region: ownRegion, slotMask: slotMask,
            headroom: headroom, capacity: capacity)
    }

    /// The master's slots.
    @inline(__always)
    var peerSlots: PeerSlots { unsafe PeerSlots(extents: extents, extentCount: extentCount) }

    // MARK: In place

    /// The bytes of a slot as a piece of a frame, or nil for a descriptor that points beyond what is
    /// there.
    @inline(__always)
    func piece(_ descriptor: Descriptor, slot index: UInt16) -> FramePiece? {
        guard let address = unsafe address(descriptor, slot: index) else { return nil }
        return unsafe FramePiece(
            address: address, descriptor: descriptor, headroom: headroom, slot: index)
    }

    /// Whether both ends' buffers lie in one piece of memory of ours, so that they can change places.
    func sharesBuffers(with other: BufferSpace) -> Bool {
        unsafe isOwner && ownBase == other.ownBase
    }

    /// Lets two slots of ours change buffers. The caller holds both: neither end uses them.
    @inline(__always)
    func swapBuffer(of index: UInt16, with other: BufferSpace, slot: UInt16) {
        let kept = unsafe ownOffsets[Int(index & slotMask)]
        unsafe ownOffsets[Int(index & slotMask)] = other.ownOffsets[Int(slot & other.slotMask)]
        unsafe other.ownOffsets[Int(slot & other.slotMask)] = kept
    }

    /// Describes a piece that lies in a buffer of ours; nil for one that does not.
    func descriptor(of piece: FramePiece, hasNext: Bool) -> Descriptor? {
        guard let ownBase = unsafe ownBase else { return nil }
        let offset = unsafe piece.address - ownBase
        guard offset >= 0,
            unsafe UInt64(offset) + UInt64(piece.byteCount) <= extents[Int(ownRegion)].byteCount
        else { return nil }
        return Descriptor(
            hasNext: hasNext, region: ownRegion, length: piece.byteCount, offset: UInt32(offset))
    }

    // MARK: Copying

    /// How receiving a slot's bytes went.
    enum Taking {
        case taken
        case noRoom
        case outOfBounds
    }

    /// Copies the bytes of a slot to the frame that is open at the batch's end.
    @inline(__always)
    func copyOut(
        _ descriptor: Descriptor, slot index: UInt16, into batch: inout FrameBatch
    ) -> Taking {
        guard let source = unsafe address(descriptor, slot: index) else { return .outOfBounds }
        let count = Int(descriptor.length)
        guard let target = unsafe batch.extendOpenFrame(by: count) else { return .noRoom }
        unsafe copyFrame(from: UnsafeRawPointer(source), to: target, count: count)
        return .taken
    }

    /// Whether the slot's buffer lies within bounds.
    func isWithinBounds(_ descriptor: Descriptor, slot index: UInt16) -> Bool {
        unsafe address(descriptor, slot: index) != nil
    }

    /// Copies a part of a frame to the start of a slot's buffer.
    ///
    /// - Parameter descriptor: its length is the room there, which the part must not exceed.
    /// - Returns: false for a descriptor that points beyond what is there.
    @inline(__always)
    func copyIn(
        _ batch: borrowing FrameBatch, frame: Int, from start: Int, count: Int,
        _ descriptor: Descriptor, slot index: UInt16
    ) -> Bool {
        guard count <= Int(descriptor.length), let target = unsafe address(descriptor, slot: index)
        else { return false }
        guard let source = unsafe batch.address(frame: frame, from: start, count: count) else {
            return false
        }
        unsafe copyFrame(from: source, to: target, count: count)
        return true
    }

    /// Copies a part of a piece into a slot's buffer; false for a descriptor that points beyond what
    /// is there.
    func copyIn(
        _ piece: FramePiece, from start: Int, count: Int, _ descriptor: Descriptor,
        at targetStart: Int, slot index: UInt16
    ) -> Bool {
        guard start >= 0, targetStart >= 0, count >= 0, start + count <= Int(piece.byteCount),
            targetStart + count <= Int(descriptor.length),
            let target = unsafe address(descriptor, slot: index)
        else { return false }
        // Both may lie in memory of the same peer, and overlap if it says so: not `copyFrame`.
        unsafe (target + targetStart).copyMemory(from: piece.address + start, byteCount: count)
        return true
    }
}

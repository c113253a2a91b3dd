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

    /// The slave's own buffers; nil as a master.
    private let ownBuffers: UnsafeMutableRawPointer?
    private let ownOffset: UInt32
    private let spacing: Int
    private let slotMask: UInt16
    /// The room of each own buffer, in bytes.
    let capacity: UInt32
    private let extents: UnsafePointer<Extent>
    private let extentCount: Int

    /// The master's view: any place in any region.
    @unsafe
    init(extents: UnsafePointer<Extent>, count: Int) {
        unsafe ownBuffers = nil
        ownOffset = 0
        spacing = 0
        slotMask = 0
        capacity = 0
        unsafe self.extents = extents
        extentCount = count
    }

    /// The slave's view: the buffers of one ring, in its region 0.
    @unsafe
    init(
        extents: UnsafePointer<Extent>, geometry: SlaveGeometry, direction: RingDirection,
        index: Int
    ) {
        let offset = geometry.buffersOffset(direction, index)
        precondition(
            unsafe offset + geometry.ringSize * geometry.bufferSpacing
                <= Int(extents.pointee.byteCount), "buffers beyond the slave's own region")
        unsafe ownBuffers = extents.pointee.base + offset
        ownOffset = UInt32(offset)
        spacing = geometry.bufferSpacing
        slotMask = UInt16(geometry.ringSize - 1)
        capacity = UInt32(geometry.bufferSize)
        unsafe self.extents = extents
        extentCount = 1
    }

    /// Whether this end owns the buffers.
    @inline(__always)
    var isOwner: Bool { unsafe ownBuffers != nil }

    /// The descriptor of a slot's own empty buffer.
    @inline(__always)
    func emptyDescriptor(slot index: UInt16) -> Descriptor {
        let slot = Int(index & slotMask)
        return Descriptor(
            hasNext: false, region: 0, length: capacity,
            offset: ownOffset &+ UInt32(truncatingIfNeeded: slot &* spacing))
    }

    /// Where the bytes of a slot are, or nil for a descriptor that points beyond what is there.
    @inline(__always)
    private func address(
        _ descriptor: Descriptor, slot index: UInt16
    ) -> UnsafeMutableRawPointer? {
        if let ownBuffers = unsafe ownBuffers {
            guard descriptor.length <= capacity else { return nil }
            return unsafe ownBuffers + Int(index & slotMask) &* spacing
        }
        let region = Int(descriptor.region)
        guard region < extentCount else { return nil }
        let extent = unsafe extents[region]
        let end = UInt64(descriptor.offset) &+ UInt64(descriptor.length)
        guard unsafe end <= extent.byteCount else { return nil }
        return unsafe extent.base + Int(descriptor.offset)
    }

    /// How copying a slot's bytes into a batch went.
    enum CopyOut {
        case copied
        case noRoom
        case outOfBounds
    }

    /// Copies the bytes of a slot to the frame that is open at the batch's end.
    @inline(__always)
    func copyOut(
        _ descriptor: Descriptor, slot index: UInt16, into batch: inout FrameBatch
    ) -> CopyOut {
        guard let source = unsafe address(descriptor, slot: index) else { return .outOfBounds }
        let count = Int(descriptor.length)
        guard let target = unsafe batch.extendOpenFrame(by: count) else { return .noRoom }
        unsafe copyFrame(from: UnsafeRawPointer(source), to: target, count: count)
        return .copied
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
}

// SAFETY of the whole file: every address is made from a base that a `LinkMemory` keeps mapped and an
// offset and length that were compared, in 64-bit arithmetic, with that mapping's size in the same function;
// or from a slot's own buffer, which lies whole within the slave's region, and a length of at most its room.

/// Where the slots of a ring have their buffers, to one of its two ends: what `BufferSpace` knows, for
/// loops that are compiled for each kind of end by itself.
protocol RingSlots {
    /// Whether a receiver writes descriptors, when it gives slots back.
    static var isOwner: Bool { get }

    /// The empty buffer of a slot.
    func room(_ ring: RingMemory, slot index: UInt16) -> Descriptor

    /// Where the bytes of a slot are, or nil for a descriptor that points beyond what is there.
    @unsafe func address(_ descriptor: Descriptor, slot index: UInt16) -> UnsafeMutableRawPointer?

    /// Where the bytes of a slot begin, to be fetched; nothing is read or written there by it.
    @unsafe func start(_ ring: RingMemory, slot index: UInt16) -> UnsafeMutableRawPointer?

    /// Describes what was put into a slot's buffer. Only the owner may say where the buffer is.
    func describe(_ ring: RingMemory, _ descriptor: Descriptor, slot index: UInt16)
}

/// The slave's: it knows its buffers by their slots, whatever the ring says.
@safe
struct OwnSlots: RingSlots {
    let base: UnsafeMutableRawPointer
    let offsets: UnsafeMutablePointer<UInt32>
    let region: UInt16
    let slotMask: UInt16
    let headroom: UInt32
    let capacity: UInt32

    static var isOwner: Bool { true }

    @inline(__always)
    private func offset(_ index: UInt16) -> UInt32 {
        unsafe offsets[Int(index & slotMask)] &+ headroom
    }

    @inline(__always)
    func room(_ ring: RingMemory, slot index: UInt16) -> Descriptor {
        Descriptor(hasNext: false, region: region, length: capacity, offset: offset(index))
    }

    @unsafe @inline(__always)
    func address(_ descriptor: Descriptor, slot index: UInt16) -> UnsafeMutableRawPointer? {
        guard descriptor.length <= capacity else { return nil }
        return unsafe base + Int(offset(index))
    }

    @unsafe @inline(__always)
    func start(_ ring: RingMemory, slot index: UInt16) -> UnsafeMutableRawPointer? {
        unsafe base + Int(offset(index))
    }

    @inline(__always)
    func describe(_ ring: RingMemory, _ descriptor: Descriptor, slot index: UInt16) {
        ring.setDescriptor(descriptor, at: index)
    }
}

/// The master's: it finds a buffer by the descriptor, which it checks, on its private copy, at every use.
@safe
struct PeerSlots: RingSlots {
    let extents: UnsafePointer<BufferSpace.Extent>
    let extentCount: Int

    static var isOwner: Bool { false }

    @inline(__always)
    func room(_ ring: RingMemory, slot index: UInt16) -> Descriptor { ring.descriptor(at: index) }

    @unsafe @inline(__always)
    func address(_ descriptor: Descriptor, slot index: UInt16) -> UnsafeMutableRawPointer? {
        let region = Int(descriptor.region)
        guard region < extentCount else { return nil }
        let extent = unsafe extents[region]
        let end = UInt64(descriptor.offset) &+ UInt64(descriptor.length)
        guard unsafe end <= extent.byteCount else { return nil }
        return unsafe extent.base + Int(descriptor.offset)
    }

    @unsafe @inline(__always)
    func start(_ ring: RingMemory, slot index: UInt16) -> UnsafeMutableRawPointer? {
        unsafe address(ring.descriptor(at: index), slot: index)
    }

    @inline(__always)
    func describe(_ ring: RingMemory, _ descriptor: Descriptor, slot index: UInt16) {
        ring.setFlagsAndLength(of: descriptor, at: index)
    }
}

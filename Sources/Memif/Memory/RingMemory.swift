// SAFETY of the whole file: a `RingMemory` is only made over a range that `Region` has checked to
// lie within its mapping, 16-byte aligned; slots are masked, so that no index reaches beyond it. The
// mapping lives as long as the `LinkMemory` that every holder of a `RingMemory` keeps.

internal import LinuxIO
internal import Synchronization

/// A ring in shared memory, seen from one end: `own` is the index that this end writes, `peer` the
/// other's.
///
/// Every access is a single atomic load or store, so that neither the compiler nor the peer can make
/// one read into two that differ. Nothing here trusts what it reads.
@safe
struct RingMemory: @unchecked Sendable {
    // @unchecked: constant pointers; what they point at is atomic.
    private let flags: UnsafeMutablePointer<Atomic<UInt16>>
    private let own: UnsafeMutablePointer<Atomic<UInt16>>
    private let peer: UnsafeMutablePointer<Atomic<UInt16>>
    private let slots: UnsafeMutablePointer<Atomic<UInt64>>
    /// The number of slots.
    let size: UInt16

    /// - Parameters:
    ///   - base: the ring's first byte; aligned to 16, with `layout.byteCount` bytes behind it.
    ///   - role: ours. The slave writes the heads of all rings, the master the tails.
    @unsafe
    init(base: UnsafeMutableRawPointer, layout: RingLayout, log2Size: UInt8, role: MemifRole) {
        func index(at offset: Int) -> UnsafeMutablePointer<Atomic<UInt16>> {
            unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt16>.self)
        }
        let head = unsafe index(at: RingLayout.headOffset)
        let tail = unsafe index(at: layout.tailOffset)
        unsafe flags = unsafe index(at: RingLayout.flagsOffset)
        unsafe own = role == .slave ? head : tail
        unsafe peer = role == .slave ? tail : head
        unsafe slots = (base + layout.slotsOffset).assumingMemoryBound(to: Atomic<UInt64>.self)
        size = 1 << UInt16(log2Size)
    }

    // MARK: Indexes

    /// The peer's index, with everything that the peer wrote before it.
    @inline(__always)
    func peerIndex() -> UInt16 { unsafe peer.pointee.load(ordering: .acquiring) }

    /// Our own index as it stands in shared memory. Read once, when a queue is made; from then on
    /// the queue knows better than memory that the peer can write.
    func ownIndexAtStart() -> UInt16 { unsafe own.pointee.load(ordering: .acquiring) }

    /// Publishes our index, with everything that we wrote before it.
    @inline(__always)
    func setOwnIndex(_ index: UInt16) { unsafe own.pointee.store(index, ordering: .releasing) }

    // MARK: Interrupts

    /// Publishes our index as a sender, and tells whether the receiver wants an interrupt.
    ///
    /// This and `allowInterrupts` are the two halves of why no wake-up is lost. Sender: store
    /// index, load flags. Receiver: store flags, load index. All four are sequentially consistent,
    /// so there is one order of them that both ends agree on. If the sender's load of the flags
    /// comes after the receiver's store, the sender sees interrupts allowed and raises one; the
    /// receiver emptied the eventfd before its store, so that one stays pending and ends the sleep. If it
    /// comes before, then so does the sender's store of the index, and the receiver's load of
    /// the index, which comes after, sees the frames and does not sleep. There is no third case.
    ///
    /// On x86 the store is an exchange, a full barrier; that is its whole cost, once a burst.
    @inline(__always)
    func publishAndCheck(_ index: UInt16) -> Bool {
        unsafe own.pointee.store(index, ordering: .sequentiallyConsistent)
        let value = unsafe flags.pointee.load(ordering: .sequentiallyConsistent)
        return value & MemifProtocol.maskInterrupt == 0
    }

    /// As the receiver, asks for interrupts and then looks at the sender's index: see
    /// `publishAndCheck`. The eventfd must have been emptied before.
    ///
    /// Senders of other makes lack the barrier between index and flags: their store of the index
    /// may still wait in the processor's store buffer while they read the old flags. It reaches memory
    /// within microseconds whatever happens, so a receiver that sleeps on their account looks once
    /// more a millisecond later (`ReceiveQueue.recheckDelay`) before it sleeps without end.
    func allowInterrupts() -> UInt16 {
        unsafe flags.pointee.store(
            otherFlags, ordering: .sequentiallyConsistent)
        return unsafe peer.pointee.load(ordering: .sequentiallyConsistent)
    }

    /// As the receiver, asks for no interrupts. One may still come.
    func maskInterrupts() {
        unsafe flags.pointee.store(
            otherFlags | MemifProtocol.maskInterrupt, ordering: .relaxed)
    }

    /// The flags that are not ours to change.
    private var otherFlags: UInt16 {
        unsafe flags.pointee.load(ordering: .relaxed) & ~MemifProtocol.maskInterrupt
    }

    /// Whether the receiver asks for no interrupts; for details only.
    var areInterruptsMasked: Bool {
        unsafe flags.pointee.load(ordering: .relaxed) & MemifProtocol.maskInterrupt != 0
    }

    // MARK: Slots

    /// A private copy of a slot's descriptor.
    @inline(__always)
    func descriptor(at index: UInt16) -> Descriptor {
        let slot = unsafe slots + 2 * Int(index & (size &- 1))
        return unsafe Descriptor(
            first: slot.pointee.load(ordering: .relaxed),
            second: (slot + 1).pointee.load(ordering: .relaxed))
    }

    /// Fetches the line of a slot's descriptor, to be read.
    @inline(__always)
    func prefetchToRead(_ index: UInt16) {
        unsafe Prefetch.read(slots + 2 * Int(index & (size &- 1)))
    }

    /// Fetches the line of a slot's descriptor, to be written.
    @inline(__always)
    func prefetchToWrite(_ index: UInt16) {
        unsafe Prefetch.write(slots + 2 * Int(index & (size &- 1)))
    }

    /// Writes a whole descriptor, as the owner of the buffers.
    @inline(__always)
    func setDescriptor(_ descriptor: Descriptor, at index: UInt16) {
        let slot = unsafe slots + 2 * Int(index & (size &- 1))
        unsafe slot.pointee.store(descriptor.first, ordering: .relaxed)
        unsafe (slot + 1).pointee.store(descriptor.second, ordering: .relaxed)
    }

    /// Writes flags and length, as the sender into a buffer of the peer's; the region must be the
    /// one that was read, for only its owner may change where a buffer is.
    @inline(__always)
    func setFlagsAndLength(of descriptor: Descriptor, at index: UInt16) {
        unsafe (slots + 2 * Int(index & (size &- 1))).pointee.store(
            descriptor.first, ordering: .relaxed)
    }
}

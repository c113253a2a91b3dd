// SAFETY of the whole file: every offset is checked against the mapping before it is used.

internal import Glibc
public import LinuxIO
public import Memif
internal import Synchronization

/// Shared memory in which a raw peer writes what it likes: rings, descriptors, buffers.
@safe
public final class RawMemory: @unchecked Sendable {
    // @unchecked: a mapping of memory that is shared anyway; the words of rings are atomic.

    /// The file, to be passed on.
    public let file: OwnedDescriptor
    private let mapping: SharedMapping

    /// New memory of our own.
    ///
    /// - Parameter seals: none makes a file that can be cut later.
    public init(byteCount: Int, seals: Seals = [.shrink, .grow]) throws(SystemError) {
        file = try OwnedDescriptor.memoryFile(
            name: "raw memif", byteCount: byteCount, seals: seals)
        mapping = try SharedMapping(file, byteCount: byteCount)
    }

    /// Memory that the other end announced.
    public init(_ file: consuming OwnedDescriptor, byteCount: Int) throws(SystemError) {
        mapping = try SharedMapping(file, byteCount: byteCount)
        self.file = file
    }

    /// The size in bytes.
    public var byteCount: Int { mapping.byteCount }

    /// A 16-bit number at an offset.
    public subscript(word offset: Int) -> UInt16 {
        get { unsafe atomic(offset, UInt16.self).pointee.load(ordering: .acquiring) }
        set { unsafe atomic(offset, UInt16.self).pointee.store(newValue, ordering: .releasing) }
    }

    /// A 32-bit number at an offset.
    public subscript(long offset: Int) -> UInt32 {
        get { unsafe atomic(offset, UInt32.self).pointee.load(ordering: .acquiring) }
        set { unsafe atomic(offset, UInt32.self).pointee.store(newValue, ordering: .releasing) }
    }

    /// Bytes from an offset on.
    public func bytes(at offset: Int, count: Int) -> [UInt8] {
        precondition(offset >= 0 && count >= 0 && offset + count <= byteCount)
        return unsafe Array(
            UnsafeRawBufferPointer(start: mapping.baseAddress + offset, count: count))
    }

    /// Writes bytes from an offset on.
    public func set(_ bytes: [UInt8], at offset: Int) {
        precondition(offset >= 0 && offset + bytes.count <= byteCount)
        unsafe (mapping.baseAddress + offset).copyMemory(from: bytes, byteCount: bytes.count)
    }

    /// Gives every page back to the system: all bytes are zero from now on. No seal forbids it.
    public func punchHole() throws(SystemError) {
        let (address, length) = unsafe (mapping.baseAddress, byteCount)
        // MADV_REMOVE, which is fallocate(2) with FALLOC_FL_PUNCH_HOLE.
        try systemCall("punch a hole") { unsafe madvise(address, length, 9) }
    }

    private func atomic<Value: AtomicRepresentable>(
        _ offset: Int, _: Value.Type
    ) -> UnsafeMutablePointer<Atomic<Value>> {
        let size = MemoryLayout<Value>.size
        precondition(offset >= 0 && offset + size <= byteCount && offset % size == 0)
        return unsafe (mapping.baseAddress + offset).assumingMemoryBound(to: Atomic<Value>.self)
    }
}

/// A ring in raw memory, any word of which can be written.
public struct RawRing: Sendable {
    /// Where it is.
    public let memory: RawMemory
    /// Its first byte.
    public let offset: Int
    /// Its number of slots as a power of two.
    public let log2Size: UInt8
    /// Its layout.
    public let layout: RingLayout

    /// A view of a ring.
    public init(
        _ memory: RawMemory, at offset: Int, log2Size: UInt8, layout: RingLayout = .lines64
    ) {
        self.memory = memory
        self.offset = offset
        self.log2Size = log2Size
        self.layout = layout
    }

    /// Writes the cookie, as a slave must.
    public func setCookie(_ cookie: UInt32 = MemifProtocol.cookie) { memory[long: offset] = cookie }

    /// The flags.
    public var flags: UInt16 {
        get { memory[word: offset + RingLayout.flagsOffset] }
        nonmutating set { memory[word: offset + RingLayout.flagsOffset] = newValue }
    }

    /// The head: the slave's index.
    public var head: UInt16 {
        get { memory[word: offset + RingLayout.headOffset] }
        nonmutating set { memory[word: offset + RingLayout.headOffset] = newValue }
    }

    /// The tail: the master's index.
    public var tail: UInt16 {
        get { memory[word: offset + layout.tailOffset] }
        nonmutating set { memory[word: offset + layout.tailOffset] = newValue }
    }

    /// Writes a slot's descriptor.
    public func setDescriptor(
        _ index: UInt16, hasNext: Bool = false, region: UInt16 = 0, length: UInt32,
        offset bufferOffset: UInt32
    ) {
        let start = slot(index)
        memory[word: start] = hasNext ? MemifProtocol.nextFlag : 0
        memory[word: start + 2] = region
        memory[long: start + 4] = length
        memory[long: start + 8] = bufferOffset
        memory[long: start + 12] = 0
    }

    /// The length in a slot's descriptor.
    public func length(_ index: UInt16) -> UInt32 { memory[long: slot(index) + 4] }

    /// The buffer's region in a slot's descriptor.
    public func region(_ index: UInt16) -> UInt16 { memory[word: slot(index) + 2] }

    /// The buffer's offset in a slot's descriptor.
    public func bufferOffset(_ index: UInt16) -> UInt32 { memory[long: slot(index) + 8] }

    /// Whether the frame goes on in the next slot.
    public func hasNext(_ index: UInt16) -> Bool { memory[word: slot(index)] & 1 == 1 }

    private func slot(_ index: UInt16) -> Int {
        offset + layout.slotsOffset
            + RingLayout.descriptorByteCount * (Int(index) & (1 << Int(log2Size) - 1))
    }
}

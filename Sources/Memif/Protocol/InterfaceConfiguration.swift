/// How many rings a link has in each direction.
public struct QueueCounts: Hashable, Sendable {
    /// Rings that carry frames from the slave.
    public var slaveToMaster: Int
    /// Rings that carry frames to the slave.
    public var masterToSlave: Int

    /// Two numbers that may differ.
    public init(slaveToMaster: Int, masterToSlave: Int) {
        self.slaveToMaster = slaveToMaster
        self.masterToSlave = masterToSlave
    }

    /// The same number in both directions.
    public init(pairs: Int) { self.init(slaveToMaster: pairs, masterToSlave: pairs) }
}

/// What a master lets a slave ask for.
public struct InterfaceLimits: Hashable, Sendable {
    /// Rings in each direction.
    public var queues = QueueCounts(pairs: 16)
    /// Slots of a ring.
    public var ringSize = 1 << MemifProtocol.largestLog2RingSize
    /// Regions.
    public var regions = MemifProtocol.mostRegions
    /// Bytes of all regions together.
    public var regionBytes: UInt64 = 1 << 30
    /// Whether a region's file must be sealed against shrinking (F_SEAL_SHRINK), as those of every
    /// known slave are but DPDK's in zero-copy mode. Without the seal a peer can cut the file
    /// while we use it, and the kernel ends our process with SIGBUS.
    public var requiresSealedRegions = true
    /// Whether a region's file that must be sealed may lie in huge pages (hugetlbfs). No seal keeps a peer
    /// from punching holes in it while we use it, and where no huge page is left to fill one the kernel
    /// ends our process with SIGBUS. Say so only where the peers are trusted not to.
    public var admitsHugePages = false

    /// The limits that suit any well-meaning slave.
    public init() {}
}

/// What an interface is, in either role.
public struct InterfaceConfiguration: Hashable, Sendable {
    /// The id: a socket's interfaces are told apart by it.
    public var id: UInt32
    /// The name that the peer sees, at most 31 bytes of UTF-8; longer ones are cut.
    public var name: String
    /// As a master: what a slave must show; nil admits any. As a slave: what is shown.
    public var secret: Secret?
    /// As a master: what a slave may show as well, while ``secret`` takes its place.
    public var formerSecret: Secret?
    /// What the link carries.
    public var mode: InterfaceMode
    /// As a slave: the rings to offer (fewer where the master has less room).
    public var queues = QueueCounts(pairs: 1)
    /// As a slave: slots of each ring, a power of two from 2 to 16,384.
    public var ringSize = 1024
    /// As a slave: bytes of each buffer. Longer frames are chained. With `pools`, their buffers' sizes
    /// count and not this.
    public var bufferSize = 2048
    /// As a slave: bytes from one buffer's start to the next one's. Nil takes an odd number of lines of 64
    /// bytes, as many as the buffer's size and headroom take, so that no buffers share one, nor do all begin
    /// in the same sets of the cache.
    public var bufferSpacing: Int?
    /// As a slave: bytes before each received frame that are the receiver's, to put a header there
    /// before the buffer goes on to another interface; see `FrameViews.extendFront`.
    public var headroom = 0
    /// As a slave: takes its buffers from memory of the caller's, which other interfaces may share. Each
    /// pool is a region of its own; the queues of either direction take theirs from one after the other.
    /// With none, the buffers lie behind the rings.
    public var pools: [BufferPool] = []
    /// As a slave: the first of the `pools`. Set, it is the only one.
    public var pool: BufferPool? {
        get { pools.first }
        set { pools = [newValue].compactMap(\.self) }
    }
    /// As a slave: makes its region of huge pages of 2 MiB. The system must have as many reserved
    /// (vm.nr_hugepages); where it has not, attempts at a link fail and say so.
    public var hugePages = false
    /// As a slave: how the rings are laid out. memif does not negotiate it: a master built for lines
    /// of 128 bytes (some on ARM and POWER) misreads rings of 64 without a word. A master of ours finds out
    /// by itself.
    public var ringLayout = RingLayout.lines64
    /// As a master: what a slave may ask for.
    public var limits = InterfaceLimits()
    /// The longest frame, in bytes, that is received or sent, chained or not. Longer ones are
    /// dropped and counted.
    public var longestFrame = 65_535

    /// An interface with the usual sizes.
    public init(
        id: UInt32 = 0, name: String = "virtwire", secret: Secret? = nil,
        mode: InterfaceMode = .ethernet
    ) {
        self.id = id
        self.name = name
        self.secret = secret
        self.mode = mode
    }

    /// Whether a slave that shows this is served. Both secrets are looked at, whichever it is.
    func admits(_ shown: Secret) -> Bool {
        guard let secret else { return true }
        let isPresent = secret == shown
        let isFormer = formerSecret.map { $0 == shown } ?? false
        return isPresent || isFormer
    }

    /// Checks what only a slave needs, and works out its memory.
    ///
    /// - Throws: `MemifError` with `.invalidConfiguration`, naming the value and what is allowed.
    func slaveGeometry() throws(MemifError) -> SlaveGeometry {
        try checkRings()
        try checkBuffers()
        let geometry = SlaveGeometry(
            queues: queues, log2RingSize: UInt8(ringSize.trailingZeroBitCount),
            bufferSize: (pools.map(\.bufferSize).min()).map { $0 - headroom } ?? bufferSize,
            bufferSpacing: pool?.bufferSpacing ?? bufferSpacing
                ?? SlaveGeometry.usualSpacing(of: bufferSize + headroom),
            headroom: headroom,
            pools: pools.map {
                .init(byteCount: $0.byteCount, bufferSize: $0.bufferSize - headroom)
            },
            hugePages: hugePages, layout: ringLayout)
        guard geometry.byteCount <= UInt32.max else {
            throw MemifError(
                .invalidConfiguration,
                "the rings and buffers take \(geometry.byteCount) bytes; descriptors reach 4 GiB: "
                    + "lower the queues, ring size or buffer size")
        }
        for (number, pool) in pools.enumerated() {
            let wanted = geometry.bufferCount(fromPool: number)
            guard pool.bufferCount < wanted else { continue }
            throw MemifError(
                .invalidConfiguration,
                "a pool of \(pool.bufferCount) buffers for rings of \(wanted) slots in all: give the "
                    + "pool as many buffers, or lower the queues or the ring size")
        }
        return geometry
    }

    private func checkRings() throws(MemifError) {
        let rings = 1...MemifProtocol.mostRings
        guard rings.contains(queues.slaveToMaster), rings.contains(queues.masterToSlave) else {
            throw MemifError(
                .invalidConfiguration,
                "\(queues.slaveToMaster) queues to the master and \(queues.masterToSlave) to the slave: "
                    + "a slave offers 1 to \(MemifProtocol.mostRings) in each direction")
        }
        let largest = 1 << MemifProtocol.largestLog2RingSize
        guard (2...largest).contains(ringSize), ringSize.nonzeroBitCount == 1 else {
            throw MemifError(
                .invalidConfiguration,
                "a ring size of \(ringSize): it must be a power of two from 2 to \(largest)")
        }
    }

    private func checkBuffers() throws(MemifError) {
        guard pools.count < MemifProtocol.mostRegions else {
            throw MemifError(
                .invalidConfiguration,
                "\(pools.count) pools: a link has at most \(MemifProtocol.mostRegions - 1)")
        }
        let (largest, longest) = (1 << 24, 1 << 16)
        guard (0...longest).contains(headroom) else {
            throw MemifError(
                .invalidConfiguration,
                "a headroom of \(headroom) bytes: it must be 0 to \(longest)")
        }
        for pool in pools where pool.bufferSize <= headroom {
            throw MemifError(
                .invalidConfiguration,
                "a headroom of \(headroom) bytes in a pool's buffers of \(pool.bufferSize): it must be "
                    + "less, so that there is room for a frame")
        }
        if !pools.isEmpty { return }
        guard (1...largest).contains(bufferSize) else {
            throw MemifError(
                .invalidConfiguration,
                "a buffer size of \(bufferSize) bytes: it must be 1 to \(largest)")
        }
        let spacings = bufferSize + headroom...2 * largest
        guard bufferSpacing.map(spacings.contains) ?? true else {
            throw MemifError(
                .invalidConfiguration,
                "buffers every \(bufferSpacing ?? 0) bytes: it must be at least the buffer size and the "
                    + "headroom together, \(spacings.lowerBound), and at most \(2 * largest)")
        }
    }
}

/// Where a slave's rings and buffers lie: in region 0 all rings, slave-to-master before
/// master-to-slave; then, from the next page on, the buffers of each ring in the same order, unless
/// they come from pools, which are the regions from 1 on.
struct SlaveGeometry: Hashable, Sendable {
    var queues: QueueCounts
    var log2RingSize: UInt8
    var bufferSize: Int
    var bufferSpacing: Int
    /// Bytes of a buffer before the place where frames are put.
    var headroom = 0
    /// A pool that buffers come from.
    struct Pool: Hashable, Sendable {
        var byteCount: Int
        /// The room of its buffers behind the headroom.
        var bufferSize: Int
    }

    /// The pools that the buffers come from, each queue's from one; none when they lie behind the rings.
    var pools: [Pool] = []
    /// Whether region 0 is made of huge pages.
    var hugePages = false
    var layout = RingLayout.lines64

    /// Memory is mapped in pages of this size.
    private var pageByteCount: Int { hugePages ? Region.hugePageByteCount : 4096 }

    /// The geometry after the master's HELLO: no more than it has room for.
    ///
    /// - Returns: nil when the master has room for no ring at all.
    func limited(by hello: ControlMessage.Hello) -> SlaveGeometry? {
        guard hello.largestLog2RingSize >= 1, Int(hello.largestRegionIndex) >= pools.count else {
            return nil
        }
        var result = self
        result.queues.slaveToMaster = min(
            queues.slaveToMaster, Int(hello.largestSlaveToMasterIndex) + 1)
        result.queues.masterToSlave = min(
            queues.masterToSlave, Int(hello.largestMasterToSlaveIndex) + 1)
        result.log2RingSize = min(log2RingSize, hello.largestLog2RingSize)
        return result
    }

    /// How far apart buffers of a size lie, where nothing else is said: whole lines, so that no two buffers
    /// share one, and an odd number of them, so that they begin in all sets of the cache by turns.
    static func usualSpacing(of byteCount: Int) -> Int { ((byteCount + 63) / 64 | 1) * 64 }

    var ringSize: Int { 1 << Int(log2RingSize) }

    var ringCount: Int { queues.slaveToMaster + queues.masterToSlave }

    /// Rounded up to whole lines, so that no two rings share one; but long lines are only known by
    /// their distance, which must be exact.
    private var ringSpacing: Int {
        let bytes = layout.byteCount(log2Size: log2RingSize)
        return layout == .lines128 ? bytes : (bytes + 63) / 64 * 64
    }

    private var buffersOffset: Int { (ringCount * ringSpacing + 4095) / 4096 * 4096 }

    /// The size of region 0.
    var byteCount: Int {
        let buffers = pools.isEmpty ? ringCount * ringSize * bufferSpacing : 0
        return (buffersOffset + buffers + pageByteCount - 1) / pageByteCount * pageByteCount
    }

    /// The pool of a queue, of either direction: one after the other, then from the first on again.
    func pool(_ queue: Int) -> Int? { pools.isEmpty ? nil : queue % pools.count }

    /// The number of the region with a queue's buffers.
    func bufferRegion(_ queue: Int) -> UInt16 { pool(queue).map { UInt16($0 + 1) } ?? 0 }

    /// The room of a queue's buffers.
    func bufferSize(_ queue: Int) -> Int { pool(queue).map { pools[$0].bufferSize } ?? bufferSize }

    /// The regions as they are announced.
    var regions: [ControlMessage.AddRegion] {
        ([byteCount] + pools.map(\.byteCount)).enumerated().map { index, byteCount in
            ControlMessage.AddRegion(index: UInt16(index), byteCount: UInt64(byteCount))
        }
    }

    /// The place of a ring among all.
    func position(_ direction: RingDirection, _ index: Int) -> Int {
        switch direction {
        case .slaveToMaster: index
        case .masterToSlave: queues.slaveToMaster + index
        }
    }

    func ringOffset(_ direction: RingDirection, _ index: Int) -> Int {
        position(direction, index) * ringSpacing
    }

    /// The offset of a ring's first buffer.
    func buffersOffset(_ direction: RingDirection, _ index: Int) -> Int {
        buffersOffset + position(direction, index) * ringSize * bufferSpacing
    }

    /// Where every slot's buffer begins, ring after ring.
    var bufferOffsets: [UInt32] {
        (0..<ringCount * ringSize).map { UInt32(buffersOffset + $0 * bufferSpacing) }
    }

    /// The rings as they are announced.
    var rings: [ControlMessage.AddRing] {
        let sending = (0..<queues.slaveToMaster).map { (RingDirection.slaveToMaster, $0) }
        let receiving = (0..<queues.masterToSlave).map { (RingDirection.masterToSlave, $0) }
        return (sending + receiving).map { direction, index in
            ControlMessage.AddRing(
                direction: direction, index: UInt16(index), region: 0,
                offset: UInt32(ringOffset(direction, index)), log2Size: log2RingSize)
        }
    }
}

/// Where a slave's rings and buffers lie in its one region: all rings first, slave-to-master before
/// master-to-slave, then, from the next page on, the buffers of each ring in the same order.
struct SlaveGeometry: Hashable, Sendable {
    var queues: QueueCounts
    var log2RingSize: UInt8
    var bufferSize: Int
    var bufferSpacing: Int
    var layout = RingLayout.lines64

    /// The geometry after the master's HELLO: no more than it has room for.
    ///
    /// - Returns: nil when the master has room for no ring at all.
    func limited(by hello: ControlMessage.Hello) -> SlaveGeometry? {
        guard hello.largestLog2RingSize >= 1 else { return nil }
        var result = self
        result.queues.slaveToMaster = min(
            queues.slaveToMaster, Int(hello.largestSlaveToMasterIndex) + 1)
        result.queues.masterToSlave = min(
            queues.masterToSlave, Int(hello.largestMasterToSlaveIndex) + 1)
        result.log2RingSize = min(log2RingSize, hello.largestLog2RingSize)
        return result
    }

    var ringSize: Int { 1 << Int(log2RingSize) }

    private var ringCount: Int { queues.slaveToMaster + queues.masterToSlave }

    /// Rounded up to whole lines, so that no two rings share one.
    private var ringSpacing: Int {
        let bytes = layout.byteCount(log2Size: log2RingSize)
        return (bytes + 63) / 64 * 64
    }

    private var buffersOffset: Int { (ringCount * ringSpacing + 4095) / 4096 * 4096 }

    /// The region's size.
    var byteCount: Int { buffersOffset + ringCount * ringSize * bufferSpacing }

    /// The place of a ring among all.
    private func position(_ direction: RingDirection, _ index: Int) -> Int {
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

extension ControlMessage.Hello {
    /// HELLO of a master whose interfaces have these limits: the most that any of them takes, for the
    /// slave has not said yet which it wants. A slave that offers its interface more is told so when
    /// it announces it.
    ///
    /// It says room for two rings where there is only one: gomemif takes the largest index for a
    /// count, and would come without any.
    init(name: String, limits: [InterfaceLimits]) {
        self.init(name: name)
        guard !limits.isEmpty else { return }
        largestRegionIndex = Self.index(limits.map(\.regions), atLeast: 1)
        largestMasterToSlaveIndex = Self.index(limits.map(\.queues.masterToSlave), atLeast: 2)
        largestSlaveToMasterIndex = Self.index(limits.map(\.queues.slaveToMaster), atLeast: 2)
        let slots = max(2, limits.map(\.ringSize).max() ?? 2)
        let log2 = UInt8(Int.bitWidth - 1 - slots.leadingZeroBitCount)
        largestLog2RingSize = min(log2, MemifProtocol.largestLog2RingSize)
    }

    /// The largest index of the largest of these counts; 255, which every peer knows, at most.
    private static func index(_ counts: [Int], atLeast least: Int) -> UInt16 {
        UInt16(clamping: min(max(counts.max() ?? least, least), 256) - 1)
    }
}

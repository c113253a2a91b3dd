extension ReceiveQueue {
    /// How a frame that is not one plain buffer went.
    enum OddFrame {
        /// It is in the batch or was dropped; the next frame begins at this index.
        case done(UInt16)
        /// The batch is full: it stays for the next burst.
        case noRoom
        /// Its end is not there yet.
        case incomplete
        /// It cannot be right.
        case violation(StaticString)
    }

    /// Receives a frame of any kind: a chained one most of the time. Drops an empty or overlong one.
    ///
    /// A chain is bounded by what the sender has published, which is bounded by the ring.
    mutating func receiveOddFrame(
        at start: UInt16, into batch: inout FrameBatch
    ) -> OddFrame {
        var index = start
        var isWanted = true
        while index != limit {
            let descriptor = ring.descriptor(at: index)
            if isWanted {
                let length = batch.openFrameByteCount + Int(descriptor.length)
                let copy =
                    length > longestFrame
                    ? .noRoom : buffers.copyOut(descriptor, slot: index, into: &batch)
                switch copy {
                case .copied: break
                case .outOfBounds:
                    batch.abandonFrame()
                    return .violation("a descriptor points outside the regions")
                case .noRoom:
                    batch.abandonFrame()
                    // A frame that an empty batch cannot hold will never fit.
                    if length <= longestFrame, !batch.isEmpty { return .noRoom }
                    isWanted = false
                }
            }
            if !isWanted, !buffers.isWithinBounds(descriptor, slot: index) {
                return .violation("a descriptor points outside the regions")
            }
            index &+= 1
            if !descriptor.hasNext {
                finish(isWanted: isWanted, &batch)
                return .done(index)
            }
        }
        batch.abandonFrame()
        if index &- start == ring.size { return .violation("a chain without an end") }
        return .incomplete
    }

    private mutating func finish(isWanted: Bool, _ batch: inout FrameBatch) {
        guard isWanted, batch.openFrameByteCount > 0 else {
            batch.abandonFrame()
            counters.drops &+= 1
            return
        }
        counters.bytes &+= UInt64(batch.openFrameByteCount)
        batch.closeFrame()
    }
}

extension TransmitQueue {
    /// How sending a frame went.
    enum Chain {
        /// It is in the slots before this index.
        case sent(UInt16)
        /// The ring has no room for all of it now.
        case noRoom
        /// The ring, wholly free, has room for so many bytes, and not for it.
        case tooLong(Int)
        /// The peer described buffers that cannot be right.
        case violation(StaticString)
    }

    /// Puts a frame into as many slots as it takes. Until its last piece is in place nothing of it
    /// is published, so a ring without room for all of it is left as it was: the pieces before filled
    /// their buffers, whose described length is the same still.
    mutating func transmitChain(
        _ batch: borrowing FrameBatch, frame: Int, length: Int, at start: UInt16
    ) -> Chain {
        var index = start
        var sent = 0
        while index != limit {
            let room = roomInSlot(index)
            guard room.length > 0 else { return .violation("an empty buffer has no room") }
            let count = min(length - sent, Int(room.length))
            guard buffers.copyIn(batch, frame: frame, from: sent, count: count, room, slot: index)
            else { return .violation("an empty buffer lies outside the regions") }
            sent += count
            describe(index, room, length: count, hasNext: sent < length)
            index &+= 1
            if sent == length { return .sent(index) }
        }
        return index &- start == ring.size ? .tooLong(sent) : .noRoom
    }
}

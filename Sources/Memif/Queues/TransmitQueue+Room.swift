extension TransmitQueue {
    /// Room for frames that are written in place. Make it once and use it again and again.
    ///
    /// It keeps the link's memory mapped, as the queue does.
    public func makeRoom(capacity: Int = 256) -> FrameRoom {
        FrameRoom(endpoint, of: memory, capacity: capacity)
    }

    /// Reserves the ring's next free buffers. Nothing is promised to the peer: whoever reserves and
    /// does not send, reserves the same ones again. What was reserved and not sent before is void, and so
    /// it is after any other burst of this queue.
    ///
    /// - Parameters:
    ///   - count: how many buffers at most; the room's capacity bounds it too.
    /// - Returns: how many buffers there are.
    /// - Throws: `LinkEnd` once the link is over.
    public mutating func reserve(
        _ count: Int = .max, in room: inout FrameRoom
    ) throws(LinkEnd) -> Int {
        precondition(room.pieces.ring === endpoint, "room is reserved on the queue that made it")
        room.pieces.removeAll()
        room.ticket = nil
        if status.hasEnded { throw status.end ?? .vanished }
        let wanted = min(max(count, 0), room.capacity)
        if Int(limit &- position) < wanted { try lookForRoom() }
        var index = position
        while index != limit, room.count < wanted {
            guard let piece = buffers.piece(roomInSlot(index), slot: index),
                piece.descriptor.length > 0
            else {
                let problem = LinkEnd.violation(
                    "\(title): an empty buffer has no room within the regions")
                status.finish(problem)
                throw problem
            }
            room.pieces.append(piece)
            room.pieces[room.count - 1].hasNext = false
            index &+= 1
        }
        room.ticket = publications
        return room.count
    }

    /// Sends the first of the reserved buffers, as they were written, and wakes the receiver where
    /// it sleeps. The room is empty then.
    ///
    /// The lengths are the writer's responsibility: `InterfaceConfiguration.longestFrame` is not
    /// enforced here. A frame whose last buffer would go on in one that is not sent is held back.
    ///
    /// - Parameter count: how many buffers; all of them without it.
    /// - Returns: how many frames were sent.
    /// - Throws: `LinkEnd` once the link is over.
    public mutating func transmitBurst(
        _ room: inout FrameRoom, count: Int = .max
    ) throws(LinkEnd) -> Int {
        precondition(room.pieces.ring === endpoint, "room is sent on the queue that made it")
        precondition(
            room.count == 0 || room.ticket == publications, "the room was reserved before a burst")
        if status.hasEnded { throw status.end ?? .vanished }
        var end = position
        var packets: UInt64 = 0
        var bytes: UInt64 = 0
        var frameBytes: UInt64 = 0
        var first = 0
        for number in 0..<min(max(count, 0), room.count) {
            let piece = room.pieces[number]
            frameBytes &+= UInt64(piece.byteCount)
            guard !piece.hasNext else { continue }
            // Only now: what a frame without its end leaves behind has the length that it had.
            while first <= number {
                describe(room.pieces[first])
                first &+= 1
            }
            end = piece.slot &+ 1
            packets &+= 1
            bytes &+= frameBytes
            frameBytes = 0
        }
        counters.packets &+= packets
        counters.bytes &+= bytes
        publish(end)
        shared.store(counters)
        room.pieces.removeAll()
        room.ticket = nil
        return Int(packets)
    }

    @inline(__always)
    private func describe(_ piece: FramePiece) {
        describe(
            piece.slot, piece.descriptor, length: Int(piece.byteCount), hasNext: piece.hasNext)
    }
}

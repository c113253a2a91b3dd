extension TransmitQueue {
    /// Whether frames of a receive queue can go on here without a copy.
    ///
    /// Only a slave may say where its buffers are: so both queues are ones of slaves, whose buffers
    /// come from the same of `InterfaceConfiguration.pools`, or, without any, on the same link.
    public func canMoveBuffers(from source: borrowing ReceiveQueue) -> Bool {
        buffers.sharesBuffers(with: source.buffers)
    }

    /// Sends received frames on, from where they lie: their buffers move where `canMoveBuffers` says
    /// so, and each frame is copied once, straight from ring to ring, where not.
    ///
    /// A buffer that moved changes places with an empty one of this ring, which its sender gets in its
    /// stead: no ring runs out of buffers. Frames that were sent have no pieces any more; release the
    /// views as ever.
    ///
    /// - Parameters:
    ///   - views: frames of `source`, held.
    ///   - first: the first frame to send.
    /// - Returns: how many frames are done with, those dropped for having no bytes or never having
    ///   room included; the caller may offer the rest again.
    /// - Throws: `LinkEnd` once this link is over.
    public mutating func forwardBurst(
        _ views: inout FrameViews, from source: inout ReceiveQueue, first: Int = 0
    ) throws(LinkEnd) -> Int {
        precondition(first >= 0, "frames are counted from 0")
        precondition(views.pieces.ring === source.endpoint, "the views are of another queue")
        if status.hasEnded { throw status.end ?? .vanished }
        try lookForRoom()
        let moves = canMoveBuffers(from: source)
        var index = position
        var frame = first
        var problem: LinkEnd?
        // As in a burst of a batch.
        var longest = longestFrame
        burst: while frame < views.count {
            let length = views.byteCount(of: frame)
            let range = views.pieces.range(of: frame)
            var outcome = Chain.tooLong(longest)
            if length > 0, length <= longest {
                outcome =
                    moves
                    ? move(views.pieces, range, from: source, at: index)
                    : copy(views.pieces, range, length, at: index)
            }
            switch outcome {
            case .sent(let next):
                index = next
                counters.packets &+= 1
                counters.bytes &+= UInt64(length)
            case .tooLong(let room):
                longest = room
                counters.drops &+= 1
            case .noRoom: break burst
            case .violation(let text):
                problem = .violation("\(title): \(text)")
                break burst
            }
            for piece in range { _ = views.pieces[piece].setByteCount(0) }
            frame += 1
        }
        if frame < views.count { counters.fullBursts &+= 1 }
        publish(index)
        shared.store(counters)
        if let problem {
            status.finish(problem)
            throw problem
        }
        return max(frame - first, 0)
    }

    /// Lets each piece's buffer change places with an empty one of this ring.
    private func move(
        _ pieces: borrowing FramePieces, _ range: Range<Int>, from source: borrowing ReceiveQueue,
        at start: UInt16
    ) -> Chain {
        guard range.count <= Int(limit &- start) else {
            return range.count > Int(ring.size) ? .tooLong(longestFrame) : .noRoom
        }
        var index = start
        for number in range {
            let piece = pieces[number]
            let hasNext = number + 1 < range.upperBound
            guard let descriptor = buffers.descriptor(of: piece, hasNext: hasNext) else {
                return .violation("a moved buffer lies outside the pool")
            }
            buffers.swapBuffer(of: index, with: source.buffers, slot: piece.slot)
            ring.setDescriptor(descriptor, at: index)
            index &+= 1
        }
        return .sent(index)
    }

    /// Copies the pieces into as many of this ring's buffers as they take.
    private func copy(
        _ pieces: borrowing FramePieces, _ range: Range<Int>, _ length: Int, at start: UInt16
    ) -> Chain {
        var index = start
        var piece = range.lowerBound
        var taken = 0
        var left = length
        while index != limit {
            let room = roomInSlot(index)
            guard room.length > 0 else { return .violation("an empty buffer has no room") }
            var filled = 0
            while filled < Int(room.length), piece < range.upperBound {
                let source = pieces[piece]
                let count = min(Int(source.byteCount) - taken, Int(room.length) - filled)
                guard
                    buffers.copyIn(
                        source, from: taken, count: count, room, at: filled, slot: index)
                else { return .violation("an empty buffer lies outside the regions") }
                filled += count
                taken += count
                if taken == Int(source.byteCount) {
                    piece += 1
                    taken = 0
                }
            }
            left -= filled
            describe(index, room, length: filled, hasNext: left > 0)
            index &+= 1
            if left == 0 { return .sent(index) }
        }
        return index &- start == ring.size ? .tooLong(length - left) : .noRoom
    }
}

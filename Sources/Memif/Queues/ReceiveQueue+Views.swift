extension ReceiveQueue {
    /// Views for bursts that copy nothing. Make them once and use them again and again: no burst allocates.
    ///
    /// They keep the link's memory mapped, as the queue does.
    public func makeViews(frameCapacity: Int = 256) -> FrameViews {
        FrameViews(endpoint, of: memory, frameCapacity: frameCapacity)
    }

    /// Receives frames in place, until the views are full or the ring empty. What the views held
    /// before is released.
    ///
    /// - Returns: how many frames the views hold now; 0 when none was waiting, or when other views
    ///   hold all of the ring.
    /// - Throws: `LinkEnd` once the link is over and all frames from before its end are received.
    public mutating func receiveBurst(into views: inout FrameViews) throws(LinkEnd) -> Int {
        release(&views)
        guard try lookForFrames(views.frameCapacity) else { return 0 }
        let (ring, buffers, end, longest) = (ring, buffers, limit, longestFrame)
        var index = position
        var bytes: UInt64 = 0
        var problem: LinkEnd?
        burst: while index != end, views.pieces.hasRoom {
            let descriptor = ring.descriptor(at: index)
            let length = Int(descriptor.length)
            guard !descriptor.hasNext, length > 0, length <= longest else {
                switch viewOddFrame(at: index, in: &views.pieces) {
                case .done(let next): index = next
                case .noRoom: break burst
                case .incomplete:
                    isStalled = true
                    break burst
                case .violation(let text):
                    problem = .violation("\(title): \(text)")
                    break burst
                }
                continue
            }
            guard let piece = buffers.piece(descriptor, slot: index) else {
                problem = .violation("\(title): a descriptor points outside the regions")
                break burst
            }
            views.pieces.append(piece)
            views.pieces.closeFrame()
            bytes &+= UInt64(length)
            index &+= 1
        }
        if views.isEmpty {
            // What was dropped is held by nobody: these views may be filled again before others that
            // hold frames are released.
            pass(index)
        } else {
            views.ticket = nextTicket
            views.end = index
            nextTicket &+= 1
            position = index
        }
        counters.packets &+= UInt64(views.count)
        counters.bytes &+= bytes
        shared.store(counters)
        if let problem {
            fail(problem)
            if views.isEmpty { throw problem }
        }
        return views.count
    }

    /// Gives the slots of the frames back to the sender; the views are empty then.
    ///
    /// Views that were filled before these must have been released: the sender gets its slots back in
    /// order. Views that are let go of without a release keep their slots for the link's life; those of a
    /// queue that was let go have none any more.
    public mutating func release(_ views: inout FrameViews) {
        precondition(
            views.pieces.ring === endpoint, "views are released to the queue that made them")
        views.pieces.removeAll()
        guard let ticket = views.ticket else { return }
        views.ticket = nil
        // A former queue of this ring: what it held, this one has received again.
        guard Int32(bitPattern: ticket &- nextRelease) >= 0 else { return }
        precondition(ticket == nextRelease, "views are released in the order of their bursts")
        nextRelease &+= 1
        // With nothing held any more, what was copied out meanwhile goes back too.
        release(upTo: nextRelease == nextTicket ? position : views.end)
    }

    /// Views a chained frame, or drops an empty or overlong one.
    private mutating func viewOddFrame(
        at start: UInt16, in pieces: inout FramePieces
    ) -> OddFrame {
        var index = start
        var length = 0
        while index != limit {
            let descriptor = ring.descriptor(at: index)
            guard let piece = buffers.piece(descriptor, slot: index) else {
                pieces.abandonFrame()
                return .violation("a descriptor points outside the regions")
            }
            length += Int(descriptor.length)
            // An overlong frame is followed to its end, and its pieces are dropped there.
            if length <= longestFrame {
                guard pieces.hasRoom else {
                    pieces.abandonFrame()
                    return .noRoom
                }
                // An empty piece within a chain is nothing to look at.
                if descriptor.length > 0 { pieces.append(piece) }
            }
            index &+= 1
            guard descriptor.hasNext else {
                close(&pieces, length)
                return .done(index)
            }
        }
        pieces.abandonFrame()
        if index &- released == ring.size, start == released {
            return .violation("a chain without an end")
        }
        return .incomplete
    }

    private mutating func close(_ pieces: inout FramePieces, _ length: Int) {
        guard length > 0, length <= longestFrame else {
            pieces.abandonFrame()
            counters.drops &+= 1
            return
        }
        counters.bytes &+= UInt64(length)
        pieces.closeFrame()
    }
}

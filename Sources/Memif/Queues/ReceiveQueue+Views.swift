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
        var index = position
        var problem: LinkEnd?
        burst: while true {
            index = viewPlainFrames(from: index, in: &views.pieces)
            guard index != limit, views.pieces.hasRoom else { break }
            switch takeOddFrame(at: index, into: &views.pieces) {
            case .done(let next): index = next
            case .stays(let end):
                problem = end
                break burst
            }
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
        return try endBurst(views.count, problem)
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
}

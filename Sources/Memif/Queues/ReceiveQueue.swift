public import LinuxIO

/// The receiving end of a ring, in either role. It has one owner, and one thread works it at a time.
///
/// Bursts into a `FrameBatch` copy: what they deliver is checked, private and can no longer change.
/// Bursts into `FrameViews` copy nothing: see there. A peer that breaks the ring's rules ends the link with a reason; it cannot make us touch memory outside the regions.
/// The memory stays mapped until the queue is let go, also when the link is over.
public struct ReceiveQueue: ~Copyable, Sendable {
    /// How long after `armInterrupt` a sleeper looks once more, in milliseconds: senders of other
    /// makes have no barrier between publishing frames and asking whether an interrupt is wanted.
    public static let recheckDelay: Int32 = 1

    let memory: LinkMemory
    let endpoint: Ring
    let ring: RingMemory
    let buffers: BufferSpace
    let status: LinkStatus
    let shared: SharedCounters
    let longestFrame: Int

    /// Our index, and the only one that counts: the copy in shared memory is never read back.
    var position: UInt16
    /// The slots before this index have been given back; those from here to `position` are held.
    var released: UInt16
    /// Numbers of the next burst into views, and of the next one to be released: equal when none is held.
    var nextTicket: UInt32
    var nextRelease: UInt32
    /// The sender's index as last seen, checked.
    var limit: UInt16
    /// Nothing more will be taken from the ring than was there at the end.
    var isSealed = false
    /// How far descriptors and frames are fetched.
    var marks: LookaheadMarks
    /// The frame at `position` was incomplete when `limit` was read.
    var isStalled = false

    /// How its owner learns of frames.
    public internal(set) var mode: ReceiveMode
    /// What went through so far.
    public internal(set) var counters: QueueCounters

    init(
        _ endpoint: Ring, of memory: LinkMemory, status: LinkStatus, shared: SharedCounters,
        longestFrame: Int, mode: ReceiveMode
    ) {
        self.memory = memory
        self.endpoint = endpoint
        self.status = status
        self.shared = shared
        counters = shared.value
        self.longestFrame = longestFrame
        ring = endpoint.memory
        buffers = memory.buffers(of: endpoint)
        if buffers.isOwner {
            // A slave hands out its buffers now and no sooner: masters clear the indexes when they connect.
            position = 0
            for slot in 0..<ring.size {
                ring.setDescriptor(buffers.emptyDescriptor(slot: slot), at: slot)
            }
            ring.setOwnIndex(ring.size)
        } else {
            position = ring.ownIndexAtStart()
        }
        limit = position
        released = position
        nextTicket = endpoint.nextTicket
        nextRelease = nextTicket
        marks = LookaheadMarks(at: position)
        self.mode = mode
        applyMode()
    }

    deinit {
        endpoint.nextTicket = nextTicket
        endpoint.putBack(memory.role)
    }

    /// The number of the queue among those of its direction.
    public var index: Int { Int(endpoint.announcement.index) }

    /// The ring's number of slots.
    public var ringSize: Int { Int(ring.size) }

    /// The eventfd that the peer raises, for a poller of the caller's.
    public var interrupt: EventCounter { _read { yield endpoint.interrupt } }

    /// Receives frames until the batch is full or the ring empty. The batch's former content goes.
    ///
    /// - Returns: how many frames the batch holds now; 0 when none was waiting.
    /// - Throws: `LinkEnd` once the link is over and all frames from before its end are received.
    public mutating func receiveBurst(into batch: inout FrameBatch) throws(LinkEnd) -> Int {
        batch.removeAll()
        guard try lookForFrames(batch.frameCapacity) else { return 0 }
        var index = position
        var problem: LinkEnd?
        burst: while true {
            index = copyPlainFrames(from: index, into: &batch)
            guard index != limit, batch.hasFreeEntry else { break }
            switch takeOddFrame(at: index, into: &batch) {
            case .done(let next): index = next
            case .stays(let end):
                problem = end
                break burst
            }
        }
        pass(index)
        return try endBurst(batch.count, problem)
    }

    /// Looks at the sender's index, at most once, unless enough frames are known of already.
    ///
    /// - Returns: whether there is anything to receive.
    @inline(__always)
    mutating func lookForFrames(_ wanted: Int) throws(LinkEnd) -> Bool {
        if Int(limit &- position) < wanted || isStalled, !isSealed {
            // First the flag, then the ring: what was sent before the end is seen.
            isSealed = status.hasEnded
            let index = ring.peerIndex()
            if index != limit { try moveLimit(to: index) }
        }
        // A frame whose rest is missing is not walked again before the sender's index moves, however often
        // it is looked for; where the link is over the rest will never come.
        if limit != position, !isStalled { return true }
        if isSealed { throw status.end ?? .vanished }
        return false
    }

    /// Believes the sender's index if it can be true: forward, and no further than the ring is long.
    private mutating func moveLimit(to index: UInt16) throws(LinkEnd) {
        let available = index &- position
        // What is held has no room for frames.
        guard index &- released <= ring.size, available <= ring.size,
            available >= limit &- position
        else {
            let problem = LinkEnd.violation("\(title): the sender's index jumped by \(available)")
            fail(problem)
            throw problem
        }
        limit = index
        isStalled = false
    }

    /// Is done with the slots before `index`; they go back unless views hold some before them.
    @inline(__always)
    mutating func pass(_ index: UInt16) {
        position = index
        if nextTicket == nextRelease { release(upTo: index) }
    }

    /// Gives slots back to the sender; as the owner of the buffers, with their full room.
    @inline(__always)
    mutating func release(upTo index: UInt16) {
        guard index != released else { return }
        if buffers.isOwner {
            var slot = released
            while slot != index {
                ring.setDescriptor(buffers.emptyDescriptor(slot: slot), at: slot)
                slot &+= 1
            }
            ring.setOwnIndex(index &+ ring.size)
        } else {
            ring.setOwnIndex(index)
        }
        released = index
    }

    /// Ends the link for what the peer did, and leaves the ring alone from now on.
    mutating func fail(_ problem: LinkEnd) {
        isSealed = true
        limit = position
        status.finish(problem)
    }

    var title: String {
        "\(endpoint.announcement.direction.rawValue) ring \(endpoint.announcement.index)"
    }
}

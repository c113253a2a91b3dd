internal import LinuxIO

/// The sending end of a ring, in either role. It has one owner, and one thread works it at a time.
///
/// The memory stays mapped until the queue is let go, also when the link is over.
public struct TransmitQueue: ~Copyable, Sendable {
    let memory: LinkMemory
    let endpoint: Ring
    let ring: RingMemory
    let buffers: BufferSpace
    let status: LinkStatus
    let shared: SharedCounters
    let longestFrame: Int

    /// Our index, and the only one that counts: the copy in shared memory is never read back.
    var position: UInt16
    /// The index up to which slots are free, from the receiver's index as last seen, checked.
    var limit: UInt16
    /// How far descriptors and buffers are fetched.
    var marks: LookaheadMarks
    /// How often something was published: what was reserved before is void.
    var publications: UInt64

    /// What went through so far.
    public internal(set) var counters: QueueCounters

    init(
        _ endpoint: Ring, of memory: LinkMemory, status: LinkStatus, shared: SharedCounters,
        longestFrame: Int
    ) {
        self.memory = memory
        self.endpoint = endpoint
        self.status = status
        self.shared = shared
        counters = shared.value
        self.longestFrame = longestFrame
        ring = endpoint.memory
        buffers = memory.buffers(of: endpoint)
        publications = endpoint.publications
        if buffers.isOwner {
            position = 0
            limit = ring.size
        } else {
            position = ring.ownIndexAtStart()
            limit = position
        }
        marks = LookaheadMarks(at: position)
    }

    deinit {
        // As a burst is: room that was reserved here and not sent is void on the next queue.
        endpoint.publications = publications &+ 1
        endpoint.putBack(memory.role)
    }

    /// The number of the queue among those of its direction.
    public var index: Int { Int(endpoint.announcement.index) }

    /// The ring's number of slots.
    public var ringSize: Int { Int(ring.size) }

    /// Sends frames from the batch, in order, as far as the ring has room, and wakes the receiver
    /// where it sleeps.
    ///
    /// A frame that could never be sent (empty, longer than `InterfaceConfiguration.longestFrame`,
    /// or than the whole ring's buffers) is dropped and counted, and done with like the others.
    ///
    /// - Parameter first: the first frame to send.
    /// - Returns: how many frames are done with; the caller may offer the rest again.
    /// - Throws: `LinkEnd` once the link is over.
    public mutating func transmitBurst(
        _ batch: borrowing FrameBatch, from first: Int = 0
    ) throws(LinkEnd) -> Int {
        precondition(first >= 0, "frames are counted from 0")
        if status.hasEnded { throw status.end ?? .vanished }
        // One look at the receiver's index, at the start or where the room that is known of ends.
        var mayLook = true
        // Once the ring is found to be too small for a frame, it is not walked for the next such one.
        var longest = longestFrame
        if Int(limit &- position) < batch.count &- first {
            try lookForRoom()
            mayLook = false
        }
        let count = batch.count
        var index = position
        var frame = first
        var problem: LinkEnd?
        burst: while frame < count {
            let placed = placePlainFrames(batch, from: frame, at: index)
            frame &+= placed
            index &+= UInt16(truncatingIfNeeded: placed)
            guard frame < count else { break }
            let length = batch.byteCount(of: frame)
            var outcome = Chain.tooLong(longest)
            if length > 0, length <= longest {
                outcome =
                    index == limit
                    ? .noRoom : transmitChain(batch, frame: frame, length: length, at: index)
            }
            switch outcome {
            case .sent(let next):
                index = next
                counters.packets &+= 1
                counters.bytes &+= UInt64(length)
            case .tooLong(let room):
                longest = room
                counters.drops &+= 1
            case .noRoom:
                guard mayLook else { break burst }
                mayLook = false
                try lookForRoom()
                continue
            case .violation(let text):
                problem = .violation("\(title): \(text)")
                break burst
            }
            frame &+= 1
        }
        if frame < count { counters.fullBursts &+= 1 }
        publish(index)
        shared.store(counters)
        if let problem {
            status.finish(problem)
            throw problem
        }
        return max(frame &- first, 0)
    }

    /// Looks at the receiver's index.
    @inline(__always)
    mutating func lookForRoom() throws(LinkEnd) {
        let index = ring.peerIndex()
        let newLimit = buffers.isOwner ? index &+ ring.size : index
        if newLimit != limit { try moveLimit(to: newLimit) }
    }

    /// Believes the receiver's index if it can be true: it only takes what was sent, and gives no
    /// more room than the ring has.
    private mutating func moveLimit(to newLimit: UInt16) throws(LinkEnd) {
        let free = newLimit &- position
        guard free <= ring.size, free >= limit &- position else {
            let problem = LinkEnd.violation("\(title): the receiver's index jumped by \(free)")
            status.finish(problem)
            throw problem
        }
        limit = newLimit
    }

    /// The empty buffer of a slot: its own, or the one that the peer described there.
    func roomInSlot(_ index: UInt16) -> Descriptor {
        buffers.isOwner ? buffers.emptyDescriptor(slot: index) : ring.descriptor(at: index)
    }

    /// Describes what was put into a slot's buffer. Only the owner may say where the buffer is.
    func describe(_ index: UInt16, _ room: Descriptor, length: Int, hasNext: Bool) {
        let descriptor = room.withLength(length, hasNext: hasNext)
        if buffers.isOwner {
            ring.setDescriptor(descriptor, at: index)
        } else {
            ring.setFlagsAndLength(of: descriptor, at: index)
        }
    }

    /// Publishes what was put into the slots before `index`, and raises an interrupt where wanted.
    @inline(__always)
    mutating func publish(_ index: UInt16) {
        guard index != position else { return }
        position = index
        publications &+= 1
        // The receiver empties its eventfd before it looks: while one is pending, it will see this too.
        if ring.publishAndCheck(index), endpoint.interrupt.wake() { counters.interrupts &+= 1 }
    }

    var title: String {
        "\(endpoint.announcement.direction.rawValue) ring \(endpoint.announcement.index)"
    }
}

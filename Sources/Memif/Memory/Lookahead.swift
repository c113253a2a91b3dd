// SAFETY of the whole file: nothing is read or written here, and prefetches of any address are harmless.

internal import LinuxIO

/// How far a queue has fetched ahead of itself, from one burst to the next.
struct LookaheadMarks {
    /// The next slot whose descriptor's line is to be fetched, and whose frame's first line is.
    var described: UInt16
    var fetched: UInt16

    init(at index: UInt16) {
        described = index
        fetched = index
    }
}

/// What a burst fetches ahead of itself: descriptors far ahead, the frames that they describe less far.
///
/// Each line comes from another core and takes longer than copying several frames. A processor
/// looks a few hundred instructions ahead by itself, which is a few frames; this has eight on their
/// way, whatever stands between them, those of the next burst included. It never looks beyond what
/// the queue may use: those lines are in use at the other end.
struct Lookahead<Slots: RingSlots> {
    private static var frames: Int { 8 }
    private static var descriptors: Int { 32 }
    /// Descriptors in a line of 64 bytes.
    private static var lineSlots: UInt16 { 4 }

    private let slots: Slots
    private let ring: RingMemory
    private let isWriting: Bool
    private let first: UInt16
    /// Slots from the first on: those that the queue may use, and those that were fetched.
    private let end: Int
    private var described: Int
    private var fetched: Int

    /// - Parameters:
    ///   - limit: the first slot that is not ours to use.
    ///   - isWriting: whether frames are to be written.
    @inline(__always)
    init(
        _ slots: Slots, _ ring: RingMemory, _ marks: LookaheadMarks, from index: UInt16,
        to limit: UInt16, isWriting: Bool
    ) {
        self.slots = slots
        self.ring = ring
        self.isWriting = isWriting
        first = index
        end = Int(limit &- index)
        // Marks that bursts of another kind have passed count for nothing.
        let described = Int(marks.described &- index)
        let fetched = Int(marks.fetched &- index)
        self.described = described < end &+ Int(Self.lineSlots) ? described : 0
        self.fetched = fetched <= end ? fetched : 0
        while self.described < min(end, Self.descriptors) { describeNext() }
        while self.fetched < min(end, Self.frames) { fetchNext() }
    }

    /// How far it came.
    @inline(__always)
    var marks: LookaheadMarks {
        var marks = LookaheadMarks(at: first)
        marks.described &+= UInt16(truncatingIfNeeded: described)
        marks.fetched &+= UInt16(truncatingIfNeeded: fetched)
        return marks
    }

    /// Goes on by one frame.
    @inline(__always)
    mutating func advance() {
        guard fetched < end else { return }
        if described < end, described &- fetched < Self.descriptors &- Self.frames {
            describeNext()
        }
        fetchNext()
    }

    @inline(__always)
    private mutating func describeNext() {
        let slot = first &+ UInt16(truncatingIfNeeded: described)
        // The owner of the buffers writes the descriptors, when the slots go back.
        if isWriting || Slots.isOwner {
            ring.prefetchToWrite(slot)
        } else {
            ring.prefetchToRead(slot)
        }
        described &+= Int(Self.lineSlots &- slot % Self.lineSlots)
    }

    @inline(__always)
    private mutating func fetchNext() {
        let slot = first &+ UInt16(truncatingIfNeeded: fetched)
        if let place = unsafe slots.start(ring, slot: slot) {
            if isWriting { unsafe Prefetch.write(place) } else { unsafe Prefetch.read(place) }
        }
        fetched &+= 1
    }
}

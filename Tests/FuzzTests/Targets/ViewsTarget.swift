import LinuxIO

@testable import Memif

/// Frames that are looked at in a ring whose other end writes what it likes, held over several bursts,
/// cut, and sent on.
///
/// What is seen is compared with a second reading of the ring, and what is given back with what was held.
enum ViewsTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        guard let shared = SharedRings.shared, let spare = SharedRings.spare else {
            throw Finding("no shared memory to be had")
        }
        var reader = InputReader(input)
        let choices: UInt8 = reader.take()
        let role: MemifRole = choices & 1 == 0 ? .master : .slave
        if choices & 2 == 0 {
            try hold(as: role, &reader, shared)
        } else {
            try forward(as: role, &reader, spare)
        }
    }

    // MARK: Held

    /// Two views by turns: one is filled while the other is held.
    private static func hold(
        as role: MemifRole, _ reader: inout InputReader, _ shared: SharedRings
    ) throws(Finding) {
        let (own, peer) = shared.ends(role, .receiving)
        own.memory.setOwnIndex(reader.take())
        let status = LinkStatus()
        var queue = ReceiveQueue(
            own, of: shared.memory(role), status: status, shared: SharedCounters(),
            longestFrame: SharedRings.longestFrame, mode: .polling)
        var model = HeldReading(
            RingReading(shared: shared, role: role, position: queue.position))
        var first = queue.makeViews(frameCapacity: 8)
        var second = queue.makeViews(frameCapacity: 8)
        for _ in 0..<3 where !reader.isAtEnd {
            guard try step(&first, 0, &queue, &model, &reader, peer, shared),
                try step(&second, 1, &queue, &model, &reader, peer, shared)
            else { return }
        }
    }

    /// Fills views, compares what they show, and cuts a frame.
    ///
    /// - Returns: false when the link is over.
    private static func step(
        _ views: inout FrameViews, _ number: Int, _ queue: inout ReceiveQueue,
        _ model: inout HeldReading, _ reader: inout InputReader, _ peer: Ring,
        _ shared: SharedRings
    ) throws(Finding) -> Bool {
        // As the burst would: what is free then is what the peer may use.
        queue.release(&views)
        model.release(number)
        let index = queue.limit &+ UInt16(reader.take(below: 12))
        peer.memory.setOwnIndex(index)
        shared.scribble(&reader, on: peer.memory, from: queue.position)
        let expected = model.frames(upTo: index, queue.ring, number)
        do throws(LinkEnd) {
            _ = try queue.receiveBurst(into: &views)
        } catch {
            try require(
                queue.status.hasEnded, "ended by an error that the link does not know of")
        }
        var batch = FrameBatch(frameCapacity: 8, byteCapacity: 8 * SharedRings.longestFrame)
        for frame in 0..<views.count {
            try require(views.copyFrame(at: frame, into: &batch), "a frame that is too long")
        }
        let seen = (0..<batch.count).map { batch.bytes(of: $0) }
        try require(
            seen == expected, "saw \(seen.map(\.count)), expected \(expected.map(\.count))")
        try require(
            queue.status.hasEnded == model.reading.isBroken,
            "the link's end: \(queue.status.end.map(\.description) ?? "none")")
        if queue.status.hasEnded { return false }
        try require(
            queue.position == model.reading.position && queue.released == model.released,
            "at \(queue.position), released up to \(queue.released), in place of "
                + "\(model.reading.position) and \(model.released)")
        try cut(&views, &reader)
        return true
    }

    /// Moves the start of a frame, which must stay in its buffer.
    private static func cut(
        _ views: inout FrameViews, _ reader: inout InputReader
    ) throws(Finding) {
        guard !views.isEmpty else { return }
        let frame = reader.take(below: views.count)
        let length = views[frame].byteCount
        let count = reader.take(below: 300)
        let isCut = views.trimFront(of: frame, by: count)
        try require(isCut == (count <= length), "cut \(count) of \(length)")
        guard isCut else { return }
        try require(views[frame].byteCount == length - count, "cut another length")
        try require(views.headroom(of: frame) >= count, "what was cut is no headroom")
        try require(views.extendFront(of: frame, by: count), "it cannot be put back")
        try require(views[frame].byteCount == length, "another length came back")
        try require(
            !views.extendFront(of: frame, by: views.headroom(of: frame) + 1),
            "it begins before its buffer")
    }

    // MARK: Sent on

    /// From one ring to the other of the same link: a slave's buffers move, a master's frames are copied.
    private static func forward(
        as role: MemifRole, _ reader: inout InputReader, _ shared: SharedRings
    ) throws(Finding) {
        let (own, peer) = shared.ends(role, .receiving)
        let (out, sink) = shared.ends(role, .sending)
        own.memory.setOwnIndex(reader.take())
        out.memory.setOwnIndex(reader.take())
        let (memory, status) = (shared.memory(role), LinkStatus())
        var queue = ReceiveQueue(
            own, of: memory, status: status, shared: SharedCounters(),
            longestFrame: SharedRings.longestFrame, mode: .polling)
        var sender = TransmitQueue(
            out, of: memory, status: status, shared: SharedCounters(),
            longestFrame: SharedRings.longestFrame)
        var views = queue.makeViews(frameCapacity: 8)
        for _ in 0..<4 where !reader.isAtEnd {
            peer.memory.setOwnIndex(queue.limit &+ UInt16(reader.take(below: 12)))
            shared.scribble(&reader, on: peer.memory, from: queue.position)
            let room = UInt16(reader.take(below: 12))
            sink.memory.setOwnIndex(
                role == .slave ? sender.limit &- 8 &+ room : sender.limit &+ room)
            if role == .master {
                shared.scribble(&reader, on: sink.memory, from: sender.position)
            }
            let start = sender.position
            var (count, done) = (0, 0)
            do throws(LinkEnd) {
                count = try queue.receiveBurst(into: &views)
                done = try sender.forwardBurst(&views, from: &queue)
            } catch {
                try require(status.hasEnded, "ended by an error that the link does not know of")
                break
            }
            try require(done <= count, "more frames than there were")
            try require(sender.position &- start <= sender.ring.size, "more slots than there are")
        }
        if role == .slave { try countBuffers(queue.buffers, sender.buffers) }
    }

    /// However often they moved, each buffer stands in one slot.
    private static func countBuffers(
        _ first: BufferSpace, _ second: BufferSpace
    ) throws(Finding) {
        var places: Set<UInt32> = []
        for buffers in [first, second] {
            for slot in 0..<8 as Range<UInt16> {
                places.insert(buffers.emptyDescriptor(slot: slot).offset)
            }
        }
        try require(places.count == 16, "\(places.count) buffers are left of 16")
    }
}

/// A reading of a ring some of whose slots are held, by two views.
struct HeldReading {
    private(set) var reading: RingReading
    /// The slots before this index have gone back.
    private(set) var released: UInt16
    /// Where the burst of each of the views ended, while they hold any.
    private var ends: [UInt16?] = [nil, nil]

    init(_ reading: RingReading) {
        self.reading = reading
        released = reading.position
    }

    /// The views give back what they hold.
    mutating func release(_ views: Int) {
        guard let end = ends[views] else { return }
        ends[views] = nil
        released = ends.contains { $0 != nil } ? end : reading.position
    }

    /// The frames that the views are to show.
    mutating func frames(upTo index: UInt16, _ ring: RingMemory, _ views: Int) -> [[UInt8]] {
        guard index &- released <= ring.size else {
            reading.isBroken = true
            return []
        }
        let frames = reading.frames(upTo: index, ring)
        if !frames.isEmpty {
            ends[views] = reading.position
        } else if ends.allSatisfy({ $0 == nil }) {
            released = reading.position
        }
        return frames
    }
}

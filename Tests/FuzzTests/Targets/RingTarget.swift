import LinuxIO

@testable import Memif

/// A ring whose other end writes what it likes: indexes and descriptors, looked at in bursts.
///
/// What is received is compared with a second reading of the same ring, which knows no bursts, no
/// batches and no speed.
enum RingTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        guard let shared = SharedRings.shared else { throw Finding("no shared memory to be had") }
        var reader = InputReader(input)
        let choices: UInt8 = reader.take()
        if choices & 2 == 0 {
            try receive(as: choices & 1 == 0 ? .master : .slave, &reader, shared)
        } else {
            try transmit(&reader, shared)
        }
    }

    private static func receive(
        as role: MemifRole, _ reader: inout InputReader, _ shared: SharedRings
    ) throws(Finding) {
        let (own, peer) = shared.ends(role, .receiving)
        // A master begins wherever the tail stands.
        own.memory.setOwnIndex(reader.take())
        let status = LinkStatus()
        var queue = ReceiveQueue(
            own, of: shared.memory(role), status: status, shared: SharedCounters(),
            longestFrame: SharedRings.longestFrame, mode: .polling)
        var model = RingReading(shared: shared, role: role, position: queue.position)
        var batch = FrameBatch(frameCapacity: 8, byteCapacity: 8 * SharedRings.longestFrame)
        for _ in 0..<4 where !reader.isAtEnd {
            let step = reader.take(below: 12)
            peer.memory.setOwnIndex(queue.limit &+ UInt16(step))
            shared.scribble(&reader, on: peer.memory, from: queue.position)
            let expected = model.frames(upTo: queue.limit &+ UInt16(step), own.memory)
            var received: [[UInt8]] = []
            do throws(LinkEnd) {
                _ = try queue.receiveBurst(into: &batch)
                received = (0..<batch.count).map { batch.bytes(of: $0) }
            } catch {
                try require(status.hasEnded, "ended by an error that the link does not know of")
            }
            try require(
                received == expected,
                "\(role) received \(received.map(\.count)), expected \(expected.map(\.count))")
            try require(
                status.hasEnded == model.isBroken,
                "the link's end: \(status.end.map(\.description) ?? "none")")
            if status.hasEnded { return }
            try require(
                queue.position == model.position && queue.counters.drops == model.drops,
                "at \(queue.position) with \(queue.counters.drops) drops, not \(model.position) with "
                    + "\(model.drops)")
        }
    }

    /// A master sends into buffers that a slave describes: what was sent stands where they say.
    private static func transmit(
        _ reader: inout InputReader, _ shared: SharedRings
    ) throws(Finding) {
        let (own, peer) = shared.ends(.master, .sending)
        own.memory.setOwnIndex(reader.take())
        let status = LinkStatus()
        var queue = TransmitQueue(
            own, of: shared.memory(.master), status: status, shared: SharedCounters(),
            longestFrame: SharedRings.longestFrame)
        var batch = FrameBatch(frameCapacity: 4, byteCapacity: 4 * SharedRings.longestFrame)
        for _ in 0..<4 where !reader.isAtEnd {
            peer.memory.setOwnIndex(queue.limit &+ UInt16(reader.take(below: 12)))
            shared.scribble(&reader, on: peer.memory, from: queue.position)
            batch.removeAll()
            let frame = [UInt8](repeating: reader.take(), count: reader.take(below: 600))
            batch.append(frame)
            let start = queue.position
            // Who has frames written over the ring's own descriptors gets what was asked for.
            let isAside = shared.describesNoRing(own.memory)
            do throws(LinkEnd) {
                _ = try queue.transmitBurst(batch)
            } catch {
                try require(status.hasEnded, "ended by an error that the link does not know of")
                return
            }
            guard queue.position != start, isAside else { continue }
            try require(queue.position &- start <= own.memory.size, "more slots than the ring has")
            let last = own.memory.descriptor(at: queue.position &- 1)
            let bytes = shared.bytes(last, slot: queue.position &- 1, role: .master) ?? []
            try require(!last.hasNext, "a frame that was sent goes on")
            try require(frame.suffix(bytes.count) == bytes[...], "another frame was sent")
        }
    }
}

/// What a ring holds, read frame by frame as the protocol's description says.
struct RingReading {
    let shared: SharedRings
    let role: MemifRole
    var position: UInt16
    var drops: UInt64 = 0
    var isBroken = false
    /// Whether the frame at `position` had no end when its slots were read: nobody looks again before there
    /// are more.
    private var isStalled = false
    private var limit: UInt16

    init(shared: SharedRings, role: MemifRole, position: UInt16) {
        self.shared = shared
        self.role = role
        self.position = position
        limit = position
    }

    /// The frames whose ends are published, until one cannot be right.
    mutating func frames(upTo index: UInt16, _ ring: RingMemory) -> [[UInt8]] {
        let available = index &- position
        guard available <= ring.size, available >= limit &- position else {
            isBroken = true
            return []
        }
        if index != limit { isStalled = false }
        limit = index
        if isStalled { return [] }
        var frames: [[UInt8]] = []
        while position != limit {
            var frame: [UInt8] = []
            var slot = position
            var isWhole = false
            while slot != limit, !isWhole {
                let descriptor = ring.descriptor(at: slot)
                guard let bytes = shared.bytes(descriptor, slot: slot, role: role) else {
                    isBroken = true
                    return frames
                }
                frame += bytes
                slot &+= 1
                isWhole = !descriptor.hasNext
            }
            guard isWhole else {
                isBroken = slot &- position == ring.size
                isStalled = true
                return frames
            }
            position = slot
            if frame.isEmpty || frame.count > SharedRings.longestFrame {
                drops += 1
            } else {
                frames.append(frame)
            }
        }
        return frames
    }
}

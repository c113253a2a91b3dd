import CountedAllocations
import Testing

@testable import Memif

/// What bursts cost beyond their frames. Both ends work on one thread, so that every count is exact.
struct BurstCost: Equatable {
    /// How many bursts are counted, of 32 frames each.
    static let bursts = 2_000

    /// What bursts there are.
    enum Way: CaseIterable {
        /// Into and out of a `FrameBatch`.
        case copy
        /// Written and read in the ring itself.
        case place
        /// Received in place, and on from there.
        case forward
        /// Served as a `PacketWorker` does it, and sent back.
        case worker

        /// Whether frames go back where they came from, too.
        var returns: Bool { self == .forward || self == .worker }
    }

    var allocations = 0
    var systemCalls = 0
    var interrupts: UInt64 = 0

    /// Counts for frames that go to the end in a role, and in some ways back again.
    init(of way: Way, on pair: LinkPair, inside role: MemifRole) throws {
        let (outside, inside) = pair.ends(around: role)
        try self.init(of: way, from: outside, to: inside)
    }

    /// Counts for frames that go from one end of a link to the other, and in some ways back again.
    init(of way: Way, from outside: MemifLink, to inside: MemifLink) throws {
        var source = try unwrap(outside.takeTransmitQueue(0))
        var sink = try unwrap(outside.takeReceiveQueue(0))
        let stage = try Stage(way, inside)
        var room = source.makeRoom(capacity: 32)
        var outgoing = FrameBatch(frameCapacity: 32)
        var incoming = FrameBatch(frameCapacity: 32)
        for _ in 0..<32 { outgoing.append([UInt8](repeating: 7, count: 64)) }

        func burst() throws(LinkEnd) {
            if way == .place {
                _ = try source.reserve(32, in: &room)
                for buffer in 0..<room.count { room.setByteCount(64, of: buffer) }
                _ = try source.transmitBurst(&room)
            } else {
                _ = try source.transmitBurst(outgoing)
            }
            try stage.pass()
            if way.returns { _ = try sink.receiveBurst(into: &incoming) }
        }
        // The first time, the runtime finds out about types.
        for _ in 0..<10 { try burst() }
        let before = (sent: stage.packets, back: sink.counters.packets, counted_allocations())
        counted_system_calls_start()
        for _ in 0..<Self.bursts { try burst() }
        systemCalls = counted_system_calls_stop()
        allocations = counted_allocations() - before.2
        interrupts = source.counters.interrupts + inside.transmitCounters(0).interrupts
        let frames = UInt64(32 * Self.bursts)
        guard stage.packets - before.sent == frames,
            sink.counters.packets - before.back == (way.returns ? frames : 0)
        else { throw GaveUp() }
    }

    /// Nothing.
    init() {}

    /// The inner end.
    final class Stage {
        private let way: Way
        private let port: WorkerPort
        private var views: FrameViews
        private var frames = FrameBatch(frameCapacity: 32)

        init(_ way: Way, _ link: MemifLink) throws {
            self.way = way
            let receiver = try unwrap(link.takeReceiveQueue(0))
            views = receiver.makeViews(frameCapacity: 32)
            // Nothing is submitted to it, and it lives no longer than its name here.
            let worker = try PacketWorker.start()
            defer { worker.stop() }
            port = WorkerPort(
                receiver, WorkerSender(link.takeTransmitQueue(0)), PacketEcho(),
                PacketAttachment(token: 0, worker: worker))
        }

        var packets: UInt64 { port.receiver.counters.packets }

        func pass() throws(LinkEnd) {
            switch way {
            case .copy: _ = try port.receiver.receiveBurst(into: &frames)
            case .place: _ = try port.receiver.receiveBurst(into: &views)
            case .forward:
                _ = try port.receiver.receiveBurst(into: &views)
                _ = try port.sender.queue?.forwardBurst(&views, from: &port.receiver)
                port.receiver.release(&views)
            case .worker: _ = try port.serve(&frames)
            }
        }
    }
}

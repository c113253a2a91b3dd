import LinuxIO
import MemifTesting
import Testing

@testable import Memif

@Suite("What belonged to a queue that was let go")
struct FormerQueueTests {
    @Test("views of a former queue give back nothing of the present one's")
    func views() async throws {
        let pair = try await LinkPair { $0.ringSize = 8 }
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var batch = FrameBatch()
        for number in UInt8(0)..<4 { batch.append([number]) }
        expectEqual(try sender.transmitBurst(batch), 4)
        var former = try Self.hold(4, of: pair.master)
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var present = receiver.makeViews(frameCapacity: 2)
        expectEqual(try receiver.receiveBurst(into: &present), 2)
        receiver.release(&former)
        expectEqual(former.count, 0)
        #expect(pair.master.details.receiveQueues[0].tail == 0)
        receiver.release(&present)
        #expect(pair.master.details.receiveQueues[0].tail == 2)
        expectEqual(try receiver.receiveBurst(into: &former), 2)
        receiver.release(&former)
        #expect(pair.master.details.receiveQueues[0].tail == 4)
    }

    /// Views that hold frames when their queue is let go.
    private static func hold(_ count: Int, of link: MemifLink) throws -> FrameViews {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var views = receiver.makeViews(frameCapacity: count)
        expectEqual(try receiver.receiveBurst(into: &views), count)
        return views
    }

    @Test(
        "a queue counts on where the former one stopped, so that its room is void",
        arguments: [1, 0])
    func room(bursts: Int) async throws {
        let pair = try await LinkPair()
        var receiver = try unwrap(pair.slave.takeReceiveQueue(0))
        var batch = FrameBatch()
        batch.append([1])
        let room = try Self.reserve(on: pair.master, batch, bursts: bursts)
        let sender = try unwrap(pair.master.takeTransmitQueue(0))
        expectEqual(room.ticket, 0)
        #expect(sender.publications == UInt64(bursts) + 1)
        expectEqual(try receiver.receiveBurst(into: &batch), bursts)
    }

    /// Room from before so many bursts of a queue that was let go after them.
    private static func reserve(
        on link: MemifLink, _ batch: borrowing FrameBatch, bursts: Int
    ) throws -> FrameRoom {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var room = sender.makeRoom()
        _ = try sender.reserve(in: &room)
        for _ in 0..<bursts { expectEqual(try sender.transmitBurst(batch), 1) }
        return room
    }

    @Test("flags of a ring that mean nothing to us stay as they are")
    func flags() throws {
        let region = try Region(name: "flags", byteCount: 4096)
        let ring = try unwrap(region.ring(at: 0, layout: .lines64, log2Size: 4, role: .master))
        let raw = RawRing(
            try RawMemory(region.file.duplicate(), byteCount: 4096), at: 0, log2Size: 4)
        raw.flags = 0x8002
        ring.maskInterrupts()
        #expect(raw.flags == 0x8003)
        #expect(ring.allowInterrupts() == 0)
        #expect(raw.flags == 0x8002)
    }
}

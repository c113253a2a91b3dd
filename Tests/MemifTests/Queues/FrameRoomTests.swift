import LinuxIO
import Memif
import Testing

@Suite("Sending in place")
struct FrameRoomTests {
    @Test(
        "frames built in the ring arrive, chained or not", arguments: RingDirection.allCases)
    func building(_ direction: RingDirection) async throws {
        let pair = try await LinkPair {
            $0.ringSize = 16
            $0.bufferSize = 128
        }
        let (sending, receiving) = pair.ends(direction)
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var room = sender.makeRoom(capacity: 8)
        var batch = FrameBatch()
        var generator = SeededGenerator()
        for _ in 0..<200 {
            expectEqual(try sender.reserve(in: &room), 8)
            expectEqual(room.byteCapacity(of: 7), 128)
            let frames = [
                generator.bytes(60), generator.bytes(300), generator.bytes(128), generator.bytes(1),
            ]
            // The second takes three buffers.
            expectEqual(Self.write(frames[0], to: &room, at: 0), true)
            expectEqual(Self.write(Array(frames[1][..<128]), to: &room, at: 1, true), true)
            expectEqual(Self.write(Array(frames[1][128..<256]), to: &room, at: 2, true), true)
            expectEqual(Self.write(Array(frames[1][256...]), to: &room, at: 3), true)
            expectEqual(Self.write(frames[2], to: &room, at: 4), true)
            expectEqual(Self.write(frames[3], to: &room, at: 5), true)
            expectEqual(Self.write(generator.bytes(129), to: &room, at: 6), false)
            expectEqual(try sender.transmitBurst(&room, count: 6), 4)
            expectEqual(try receiver.receiveBurst(into: &batch), 4)
            let arrived = (0..<batch.count).map { batch.bytes(of: $0) }
            try #require(arrived == frames, "seed \(generator.seed)")
        }
        expectEqual(sender.counters.packets, 800)
        expectEqual(sender.counters.bytes, 200 * (60 + 300 + 128 + 1))
    }

    private static func write(
        _ bytes: [UInt8], to room: inout FrameRoom, at buffer: Int, _ continues: Bool = false
    ) -> Bool {
        // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
        unsafe room.write(bytes.span.bytes, to: buffer, continues: continues)
    }

    @Test("what is reserved and not sent is promised to nobody", arguments: RingDirection.allCases)
    func abandoned(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 4 }
        let (sending, receiving) = pair.ends(direction)
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var room = sender.makeRoom()
        var batch = FrameBatch()
        batch.append([1, 2, 3])
        expectEqual(try sender.reserve(in: &room), 4)
        expectEqual(try sender.transmitBurst(batch), 1)
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(try sender.reserve(2, in: &room), 2)
        expectEqual(try sender.transmitBurst(&room, count: 0), 0)
        expectEqual(try receiver.receiveBurst(into: &batch), 0)
        expectEqual(try sender.reserve(in: &room), 4)
        // A chain without its last piece is held back.
        for buffer in 0..<4 { expectEqual(Self.write([9], to: &room, at: buffer, true), true) }
        expectEqual(try sender.transmitBurst(&room), 0)
        expectEqual(try receiver.receiveBurst(into: &batch), 0)
        // And its buffers are as large as ever.
        expectEqual(try sender.reserve(in: &room), 4)
        for buffer in 0..<4 { expectEqual(room.byteCapacity(of: buffer), 2048) }
    }

    @Test("a full ring has no room to reserve", arguments: RingDirection.allCases)
    func full(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 4 }
        let (sending, receiving) = pair.ends(direction)
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var room = sender.makeRoom(capacity: 3)
        expectEqual(try sender.reserve(in: &room), 3)
        expectEqual(try sender.transmitBurst(&room), 3)
        expectEqual(try sender.reserve(in: &room), 1)
        expectEqual(try sender.transmitBurst(&room), 1)
        expectEqual(try sender.reserve(in: &room), 0)
        var batch = FrameBatch(frameCapacity: 2)
        expectEqual(try receiver.receiveBurst(into: &batch), 2)
        expectEqual(batch.byteCount(of: 0), 2048)
        expectEqual(try sender.reserve(in: &room), 2)
        sending.disconnect(DisconnectReason(.administrative, "enough"))
        #expect(throws: LinkEnd.self) { try Self.send(on: &sender, &room) }
    }

    private static func send(
        on queue: inout TransmitQueue, _ room: inout FrameRoom
    ) throws(LinkEnd) {
        _ = try queue.transmitBurst(&room)
    }
}

import LinuxIO
import Memif
import MemifTesting
import Testing

/// The rings' indexes have 16 bits and run on: slots, views and room on both sides of 65,535.
@Suite("In place past the last index")
struct IndexWrapTests {
    /// Frames whose bytes tell their number, in one to ten buffers of 64 bytes.
    private static func frame(_ number: Int) -> [UInt8] {
        [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 7), count: 1 + number * 37 % 640)
    }

    private static func isFrame(
        _ frame: Int, of views: borrowing FrameViews, _ number: Int, _ copy: inout FrameBatch
    ) -> Bool {
        copy.removeAll()
        views.copyFrame(at: frame, into: &copy)
        let expected = Self.frame(number)
        return copy.bytes(of: 0) == expected && views.byteCount(of: frame) == expected.count
    }

    @Test(
        "views held in turns are right on both sides of it", arguments: RingDirection.allCases,
        [256, 16_384])
    func views(_ direction: RingDirection, ringSize: Int) async throws {
        let pair = try await LinkPair {
            $0.ringSize = ringSize
            $0.bufferSize = 64
        }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        // Two that hold frames in turns: one is filled before the other is released.
        var older = receiver.makeViews(frameCapacity: 37)
        var newer = receiver.makeViews(frameCapacity: 41)
        var batch = FrameBatch(frameCapacity: 64, byteCapacity: 64 * 640)
        var copy = FrameBatch(frameCapacity: 1, byteCapacity: 640)
        var (sent, seen, slots) = (0, 0, 0)
        while slots < 66_000 {
            batch.removeAll()
            for number in sent..<sent + 64 { batch.append(Self.frame(number)) }
            sent += try sender.transmitBurst(batch)
            while try receiver.receiveBurst(into: &newer) > 0 {
                for frame in 0..<newer.count {
                    let isSame = Self.isFrame(frame, of: newer, seen, &copy)
                    try #require(isSame, "frame \(seen)")
                    slots += newer.pieceCount(of: frame)
                    seen += 1
                }
                // What the older ones show has not changed since.
                let first = seen - newer.count - older.count
                let isSame = older.isEmpty || Self.isFrame(0, of: older, first, &copy)
                try #require(isSame, "frame \(first) again")
                receiver.release(&older)
                swap(&older, &newer)
            }
        }
        receiver.release(&older)
        #expect(receiving.isUp)
    }

    @Test("room reserved across it is written and sent", arguments: RingDirection.allCases)
    func room(_ direction: RingDirection) async throws {
        let pair = try await LinkPair {
            $0.ringSize = 256
            $0.bufferSize = 64
        }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        // No divisor of 65,536: one reservation lies on both sides.
        var room = sender.makeRoom(capacity: 97)
        var batch = FrameBatch(frameCapacity: 97)
        var (sent, seen) = (0, 0)
        while seen < 66_000 {
            expectEqual(try sender.reserve(in: &room), 97)
            for buffer in 0..<97 {
                let bytes = [UInt8(truncatingIfNeeded: sent + buffer), 1, 2]
                // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
                let isWritten = unsafe room.write(bytes.span.bytes, to: buffer, continues: false)
                try #require(isWritten)
            }
            sent += try sender.transmitBurst(&room, count: 97)
            for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                let arrived = batch.bytes(of: index)
                try #require(arrived == [UInt8(truncatingIfNeeded: seen), 1, 2], "frame \(seen)")
                seen += 1
            }
        }
        #expect(sent == seen)
    }
}

import LinuxIO
import Memif
import Testing

/// Lengths and numbers of buffers that need more than sixteen bits.
@Suite("Long frames and many buffers")
struct LongFrameTests {
    @Test(
        "frames of more than 65,535 bytes pass, in one buffer and in many",
        arguments: RingDirection.allCases, [2048, 200_000])
    func lengths(_ direction: RingDirection, bufferSize: Int) async throws {
        let pair = try await LinkPair {
            $0.bufferSize = bufferSize
            $0.ringSize = bufferSize < 65_536 ? 128 : 4
            $0.longestFrame = 200_000
        }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var generator = SeededGenerator()
        let sizes = [65_535, 65_536, 65_537, 131_072, 200_000, 1]
        let frames = Frames.random(sizes: sizes, &generator)
        let received = try Frames.pass(frames, through: &sender, &receiver, burst: 128)
        #expect(received == frames, "seed \(generator.seed)")
        expectEqual(receiver.counters.bytes, UInt64(sizes.reduce(0, +)))
    }

    @Test("more than 65,536 buffers are apart: every ring is full before any is read")
    func buffers() async throws {
        let (pairs, ringSize) = (3, 16_384)
        let pair = try await LinkPair {
            $0.queues = QueueCounts(pairs: pairs)
            $0.ringSize = ringSize
            $0.bufferSize = 64
        }
        let lanes = try RingDirection.allCases.flatMap { direction in
            try (0..<pairs).map { try Lane(pair, direction, $0) }
        }
        for (number, lane) in lanes.enumerated() { try lane.fill(ringSize, as: number) }
        for (number, lane) in lanes.enumerated() { try lane.expect(ringSize, of: number) }
    }
}

/// A ring with both its ends.
private final class Lane {
    private var sender: TransmitQueue
    private var receiver: ReceiveQueue
    private var batch = FrameBatch(frameCapacity: 256, byteCapacity: 256 * 64)

    init(_ pair: LinkPair, _ direction: RingDirection, _ index: Int) throws {
        let (sending, receiving) = pair.ends(direction)
        receiver = try unwrap(receiving.takeReceiveQueue(index))
        sender = try unwrap(sending.takeTransmitQueue(index))
    }

    func fill(_ count: Int, as lane: Int) throws {
        for first in stride(from: 0, to: count, by: 256) {
            batch.removeAll()
            for number in first..<first + 256 { batch.append(Self.frame(number, of: lane)) }
            expectEqual(try sender.transmitBurst(batch), 256)
        }
        expectEqual(try sender.transmitBurst(batch), 0)
    }

    func expect(_ count: Int, of lane: Int) throws {
        var number = 0
        while try receiver.receiveBurst(into: &batch) > 0 {
            for index in 0..<batch.count {
                guard batch.bytes(of: index) == Self.frame(number, of: lane) else {
                    Issue.record("frame \(number) of lane \(lane) is another")
                    return
                }
                number += 1
            }
        }
        expectEqual(number, count)
    }

    private static func frame(_ number: Int, of lane: Int) -> [UInt8] {
        [UInt8(lane), UInt8(number >> 8), UInt8(number & 255)]
    }
}

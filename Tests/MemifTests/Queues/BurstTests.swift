import LinuxIO
import Memif
import Testing

@Suite("Bursts between two ends of ours")
struct BurstTests {
    @Test("every size from 1 to 2048 arrives as it was sent", arguments: RingDirection.allCases)
    func sizes(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 64 }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var generator = SeededGenerator()
        let frames = Frames.random(sizes: 1...2048, &generator)
        let received = try Frames.pass(frames, through: &sender, &receiver)
        #expect(received == frames, "seed \(generator.seed)")
        expectEqual(receiver.counters.packets, 2048)
        expectEqual(receiver.counters.bytes, UInt64(2048 * 2049 / 2))
        #expect(sending.sent == receiving.received)
        expectEqual(receiver.counters.drops, 0)
    }

    @Test(
        "frames of many sizes are chained and put together again",
        arguments: RingDirection.allCases, [64, 100, 2048])
    func chains(_ direction: RingDirection, bufferSize: Int) async throws {
        let pair = try await LinkPair {
            $0.ringSize = 256
            $0.bufferSize = bufferSize
        }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var generator = SeededGenerator()
        let exact = [1, bufferSize, bufferSize + 1, 2 * bufferSize, 9000, 14]
        let random = (0..<100).map { _ in Int.random(in: 1...9000, using: &generator) }
        let frames = Frames.random(sizes: exact + random, &generator)
        let received = try Frames.pass(frames, through: &sender, &receiver)
        #expect(received == frames, "seed \(generator.seed)")
    }

    @Test("the indexes run past 65,535 in rings of every size", arguments: [2, 1024])
    func wrap(_ ringSize: Int) async throws {
        let pair = try await LinkPair {
            $0.ringSize = ringSize
            $0.bufferSize = 64
        }
        for direction in RingDirection.allCases {
            let (sending, receiving) = pair.ends(direction)
            var sender = try unwrap(sending.takeTransmitQueue(0))
            var receiver = try unwrap(receiving.takeReceiveQueue(0))
            var outgoing = FrameBatch(frameCapacity: 256)
            var incoming = FrameBatch(frameCapacity: 256)
            for number in 0...255 { outgoing.append([UInt8(number)]) }
            var next = 0
            var expected = 0
            while expected < 66_000 {
                next += try sender.transmitBurst(outgoing, from: next % 256)
                for index in 0..<(try receiver.receiveBurst(into: &incoming)) {
                    let arrived = incoming.bytes(of: index)
                    try #require(arrived == [UInt8(expected % 256)])
                    expected += 1
                }
            }
        }
    }

    private static func bytes(_ number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }

    @Test(
        "a full ring takes no more, and goes on when there is room",
        arguments: RingDirection.allCases)
    func full(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 16 }
        let (sending, receiving) = pair.ends(direction)
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: 40)
        for number in 0..<40 { batch.append([UInt8](repeating: UInt8(number), count: 60)) }
        expectEqual(try sender.transmitBurst(batch), 16)
        expectEqual(try sender.transmitBurst(batch, from: 16), 0)
        var incoming = FrameBatch(frameCapacity: 10)
        expectEqual(try receiver.receiveBurst(into: &incoming), 10)
        expectEqual(try sender.transmitBurst(batch, from: 16), 10)
        expectEqual(try receiver.receiveBurst(into: &incoming), 10)
        expectEqual(incoming.bytes(of: 6), [UInt8](repeating: 16, count: 60))
        // Nothing was thrown away: what found no room is still the caller's.
        expectEqual(sender.counters.drops, 0)
        expectEqual(sender.counters.packets, 26)
    }

    @Test("frames that can never be sent are dropped, counted, and hold up nothing")
    func unsendable() async throws {
        let pair = try await LinkPair {
            $0.ringSize = 4
            $0.bufferSize = 64
            $0.longestFrame = 1000
        }
        for direction in RingDirection.allCases {
            let (sending, receiving) = pair.ends(direction)
            var receiver = try unwrap(receiving.takeReceiveQueue(0))
            var sender = try unwrap(sending.takeTransmitQueue(0))
            var batch = FrameBatch(frameCapacity: 8)
            // Empty; longer than allowed; longer than the whole ring; and one that fills it exactly.
            for size in [0, 1001, 257, 256] { batch.append([UInt8](repeating: 7, count: size)) }
            expectEqual(try sender.transmitBurst(batch), 4)
            expectEqual(sender.counters.drops, 3)
            var incoming = FrameBatch()
            expectEqual(try receiver.receiveBurst(into: &incoming), 1)
            expectEqual(incoming.byteCount(of: 0), 256)
        }
    }

    @Test("a frame that the receiver's batch can never hold is dropped and counted")
    func smallBatch() async throws {
        let pair = try await LinkPair { $0.bufferSize = 512 }
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 8)
        for size in [60, 400, 2000, 61] { batch.append([UInt8](repeating: 1, count: size)) }
        expectEqual(try sender.transmitBurst(batch), 4)
        var small = FrameBatch(frameCapacity: 8, byteCapacity: 256)
        var sizes: [Int] = []
        while try receiver.receiveBurst(into: &small) > 0 {
            for index in 0..<small.count { sizes.append(small.byteCount(of: index)) }
        }
        #expect(sizes == [60, 61])
        expectEqual(receiver.counters.drops, 2)
    }

    @Test("several queues, unequal in number, each keep their own frames apart")
    func queues() async throws {
        let pair = try await LinkPair {
            $0.queues = QueueCounts(slaveToMaster: 3, masterToSlave: 2)
        }
        #expect(pair.master.receiveQueueCount == 3)
        #expect(pair.master.transmitQueueCount == 2)
        #expect(pair.slave.receiveQueueCount == 2)
        for direction in RingDirection.allCases {
            let (sending, receiving) = pair.ends(direction)
            for index in 0..<sending.transmitQueueCount {
                var sender = try unwrap(sending.takeTransmitQueue(index))
                var receiver = try unwrap(receiving.takeReceiveQueue(index))
                expectEqual(sender.index, index)
                let frames = (1...50).map { [UInt8](repeating: UInt8(index), count: $0) }
                #expect(try Frames.pass(frames, through: &sender, &receiver) == frames)
                #expect(sending.transmitCounters(index).packets == 50)
                #expect(receiving.receiveCounters(index).packets == 50)
            }
        }
    }

    @Test("a slave may have rings with lines of 128 bytes", arguments: RingDirection.allCases)
    func longLines(_ direction: RingDirection) async throws {
        let pair = try await LinkPair {
            $0.ringLayout = .lines128
            $0.ringSize = 16
        }
        #expect(pair.master.terms.layout == .lines128)
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        let frames = (1...50).map { [UInt8](repeating: 3, count: $0 * 50) }
        #expect(try Frames.pass(frames, through: &sender, &receiver) == frames)
    }

    @Test("each queue has one owner; a master's can be taken again, a slave's cannot")
    func taken() async throws {
        let pair = try await LinkPair()
        for link in [pair.master, pair.slave] {
            let receiver = try unwrap(link.takeReceiveQueue(0))
            let sender = try unwrap(link.takeTransmitQueue(0))
            expectEqual(link.takeReceiveQueue(0).isNil, true)
            expectEqual(link.takeReceiveQueue(1).isNil, true)
            expectEqual(link.takeReceiveQueue(-1).isNil, true)
            expectEqual(link.takeTransmitQueue(0).isNil, true)
            _ = (consume receiver).index + (consume sender).index
        }
        expectEqual(pair.master.takeReceiveQueue(0).isNil, false)
        expectEqual(pair.master.takeTransmitQueue(0).isNil, false)
        expectEqual(pair.slave.takeReceiveQueue(0).isNil, true)
        expectEqual(pair.slave.takeTransmitQueue(0).isNil, true)
    }

    @Test(
        "two threads pass frames in order, the receiver asleep whenever it may",
        arguments: RingDirection.allCases)
    func threads(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 256 }
        let (sending, receiving) = pair.ends(direction)
        let total: UInt32 = 50_000
        try Thread.start(name: "sender") {
            guard var sender = sending.takeTransmitQueue(0) else { return }
            var batch = FrameBatch(frameCapacity: 32)
            var next: UInt32 = 0
            while next < total {
                batch.removeAll()
                for number in next..<min(next + 32, total) { batch.append(Self.bytes(number)) }
                guard let sent = try? sender.transmitBurst(batch) else { return }
                next += UInt32(sent)
            }
        }
        let arrived: UInt32 = try await onThread {
            guard var receiver = receiving.takeReceiveQueue(0, mode: .interrupt) else { return 0 }
            var batch = FrameBatch(frameCapacity: 64)
            var expected: UInt32 = 0
            while expected < total, receiver.waitForFrames(milliseconds: 30_000) {
                for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                    guard batch.bytes(of: index) == Self.bytes(expected) else { return expected }
                    expected += 1
                }
            }
            return expected
        }
        #expect(arrived == total)
    }
}

import LinuxIO
import MemifTesting
import Testing

@testable import Memif

@Suite("Receiving in place")
struct FrameViewsTests {
    private static func copies(_ views: borrowing FrameViews) -> [[UInt8]] {
        (0..<views.count).map { frame in
            var bytes: [UInt8] = []
            for piece in 0..<views.pieceCount(of: frame) {
                let span = views.piece(piece, of: frame)
                for offset in span.byteOffsets {
                    // SAFETY: within the span; every pattern is a byte.
                    bytes.append(unsafe span.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
                }
            }
            return bytes
        }
    }

    @Test(
        "frames are seen as they were sent, chained or not", arguments: RingDirection.allCases,
        [256, 2048])
    func sizes(_ direction: RingDirection, bufferSize: Int) async throws {
        let pair = try await LinkPair {
            $0.ringSize = 64
            $0.bufferSize = bufferSize
        }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var views = receiver.makeViews(frameCapacity: 16)
        var generator = SeededGenerator()
        let sizes = [1, 64, bufferSize, bufferSize + 1, 9000] + (1...300).map { $0 * 29 }
        let frames = Frames.random(sizes: sizes, &generator)
        var arrived: [[UInt8]] = []
        var batch = FrameBatch(frameCapacity: 1, byteCapacity: 16_384)
        for frame in frames {
            batch.removeAll()
            batch.append(frame)
            while try sender.transmitBurst(batch) == 0 {
                _ = try receiver.receiveBurst(into: &views)
                arrived += Self.copies(views)
                receiver.release(&views)
            }
        }
        while try receiver.receiveBurst(into: &views) > 0 { arrived += Self.copies(views) }
        #expect(arrived == frames, "seed \(generator.seed)")
        expectEqual(receiver.counters.packets, UInt64(frames.count))
        expectEqual(receiver.counters.bytes, UInt64(sizes.reduce(0, +)))
    }

    @Test(
        "held slots are not the sender's until they are released, whatever is copied meanwhile",
        arguments: RingDirection.allCases)
    func holding(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 8 }
        let (sending, receiving) = pair.ends(direction)
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var first = receiver.makeViews(frameCapacity: 2)
        var second = receiver.makeViews(frameCapacity: 2)
        var copied = FrameBatch(frameCapacity: 2)
        var batch = FrameBatch(frameCapacity: 16)
        for number in 0..<16 { batch.append([UInt8(number)]) }
        expectEqual(try sender.transmitBurst(batch), 8)
        expectEqual(try receiver.receiveBurst(into: &first), 2)
        expectEqual(try receiver.receiveBurst(into: &copied), 2)
        expectEqual(try receiver.receiveBurst(into: &second), 2)
        // Nothing has gone back, not even what was copied: slots go back in order.
        expectEqual(try sender.transmitBurst(batch, from: 8), 0)
        receiver.release(&first)
        expectEqual(try sender.transmitBurst(batch, from: 8), 2)
        expectEqual(Self.copies(second), [[4], [5]])
        receiver.release(&second)
        expectEqual(try sender.transmitBurst(batch, from: 10), 4)
        expectEqual(try receiver.receiveBurst(into: &copied), 2)
        expectEqual(copied.bytes(of: 0), [6])
        var rest: [[UInt8]] = []
        while try receiver.receiveBurst(into: &first) > 0 { rest += Self.copies(first) }
        #expect(rest == (8..<14).map { [UInt8($0)] })
    }

    @Test("views of a ring that is wholly held show nothing more, and the link lives on")
    func all() async throws {
        let pair = try await LinkPair { $0.ringSize = 4 }
        for direction in RingDirection.allCases {
            let (sending, receiving) = pair.ends(direction)
            var receiver = try unwrap(receiving.takeReceiveQueue(0))
            var sender = try unwrap(sending.takeTransmitQueue(0))
            var held = receiver.makeViews()
            var more = receiver.makeViews()
            var batch = FrameBatch()
            for number in 0..<8 { batch.append([UInt8(number), 1, 2]) }
            expectEqual(try sender.transmitBurst(batch), 4)
            expectEqual(try receiver.receiveBurst(into: &held), 4)
            expectEqual(try receiver.receiveBurst(into: &more), 0)
            receiver.release(&held)
            expectEqual(try sender.transmitBurst(batch, from: 4), 4)
            expectEqual(try receiver.receiveBurst(into: &more), 4)
            expectEqual(more.byteCount(of: 3), 3)
        }
    }

    /// What a hostile sender made of two views that took turns: the end of the program.
    @Test(
        "while some hold frames, others that got none can be filled again",
        arguments: RingDirection.allCases)
    func dropped(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 8 }
        let (sending, receiving) = pair.ends(direction)
        var sender = try unwrap(sending.takeTransmitQueue(0))
        var receiver = try unwrap(receiving.takeReceiveQueue(0))
        var held = receiver.makeViews()
        var more = receiver.makeViews()
        var batch = FrameBatch()
        batch.append([1])
        var room = sender.makeRoom(capacity: 1)
        for round in 0..<100 {
            expectEqual(try sender.transmitBurst(batch), 1)
            expectEqual(try receiver.receiveBurst(into: &held), 1)
            for _ in 0..<3 {
                // A frame without bytes, which our own sender cannot be brought to send otherwise.
                expectEqual(try sender.reserve(1, in: &room), 1)
                room.setLength(0)
                expectEqual(try sender.transmitBurst(&room), 1)
                expectEqual(try receiver.receiveBurst(into: &more), 0)
            }
            expectEqual(receiver.counters.drops, UInt64(3 * round + 3))
            expectEqual(try sender.transmitBurst(batch), 1)
            expectEqual(try receiver.receiveBurst(into: &more), 1)
            receiver.release(&held)
            receiver.release(&more)
        }
        // All of the ring is free again.
        for _ in 0..<9 { batch.append([2]) }
        expectEqual(try sender.transmitBurst(batch), 8)
    }

    @Test("a violation that is met while others hold frames is told, and no more")
    func violation() async throws {
        let master = try AttackedMaster()
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var held = receiver.makeViews()
        var more = receiver.makeViews()
        slave.transmit([1, 2, 3])
        expectEqual(try receiver.receiveBurst(into: &held), 1)
        // One to be dropped, and one that lies nowhere.
        slave.sending.setDescriptor(1, length: 0, offset: 0)
        slave.sending.setDescriptor(2, region: 9, length: 5, offset: 0)
        slave.sending.head = 3
        for _ in 0..<2 {
            do {
                _ = try receiver.receiveBurst(into: &more)
                Issue.record("nothing was thrown")
            } catch {
                #expect(error.reason.code == .protocolViolation)
            }
        }
        expectEqual(held.byteCount(of: 0), 3)
        receiver.release(&more)
        receiver.release(&held)
    }

    @Test("a view may outlive queue and link, and what it shows can be copied out")
    func outliving() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var batch = FrameBatch()
        batch.append(Array(0...99))
        expectEqual(try sender.transmitBurst(batch), 1)
        let views = try Self.heldAfterTheEnd(of: pair)
        var out = FrameBatch(frameCapacity: 1, byteCapacity: 64)
        expectEqual(views.copyFrame(at: 0, into: &out), false)
        out = FrameBatch(frameCapacity: 1)
        expectEqual(views.copyFrame(at: 0, into: &out), true)
        expectEqual(views.copyFrame(at: 0, into: &out), false)
        expectEqual(out.bytes(of: 0), Array(0...99))
    }

    private static func heldAfterTheEnd(of pair: LinkPair) throws -> FrameViews {
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var views = receiver.makeViews()
        expectEqual(try receiver.receiveBurst(into: &views), 1)
        pair.slaveInterface.remove()
        pair.master.disconnect(DisconnectReason(.administrative, "the test is over"))
        return views
    }

    @Test("all frames of before the end are seen, then the end is thrown")
    func end() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var batch = FrameBatch()
        for _ in 0..<3 { batch.append([1, 2, 3]) }
        expectEqual(try sender.transmitBurst(batch), 3)
        pair.master.disconnect(DisconnectReason(.administrative, "enough"))
        var views = receiver.makeViews(frameCapacity: 2)
        expectEqual(try receiver.receiveBurst(into: &views), 2)
        expectEqual(try receiver.receiveBurst(into: &views), 1)
        do {
            _ = try receiver.receiveBurst(into: &views)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.reason.text == "enough")
        }
    }
}

extension FrameRoom {
    /// Says that the frame in the first buffer has a length which `setByteCount` refuses.
    fileprivate mutating func setLength(_ count: Int) { _ = pieces[0].setByteCount(count) }
}

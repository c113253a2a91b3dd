import LinuxIO
import Memif
import Testing

/// Two links whose slaves are of this program, between two masters.
@Suite("Frames that go from one interface to another")
struct ForwardTests {
    /// How the frames of the first link's slave get to the second link.
    enum Way: CaseIterable {
        /// Both slaves have the same pool.
        case pool
        /// The slaves have memory of their own.
        case apart
    }

    @Test(
        "buffers move between two slaves with a pool, and are copied once without",
        arguments: Way.allCases, [60, 5000])
    func slaves(_ way: Way, longest: Int) async throws {
        let pool = try BufferPool(bufferCount: 128, bufferSize: 1024)
        let change: (inout InterfaceConfiguration) -> Void = {
            $0.ringSize = 16
            $0.pool = way == .pool ? pool : nil
            $0.bufferSize = 1024
        }
        let (left, right) = (try await LinkPair(change), try await LinkPair(change))
        #expect(pool.freeCount == (way == .pool ? 64 : 128))
        var source = try unwrap(left.master.takeTransmitQueue(0))
        var inner = try unwrap(left.slave.takeReceiveQueue(0))
        var outer = try unwrap(right.slave.takeTransmitQueue(0))
        var sink = try unwrap(right.master.takeReceiveQueue(0))
        expectEqual(outer.canMoveBuffers(from: inner), way == .pool)
        let same = try Self.pass(&source, &inner, &outer, &sink, longest: longest)
        #expect(same)
        expectEqual(inner.counters.packets, 1000)
        expectEqual(outer.counters.packets, 1000)
    }

    @Test("a slave sends its frames back without a copy, a master with one")
    func echo() async throws {
        for role in [MemifRole.slave, .master] {
            let pair = try await LinkPair { $0.ringSize = 16 }
            let (outside, inside) =
                role == .slave ? (pair.master, pair.slave) : (pair.slave, pair.master)
            var source = try unwrap(outside.takeTransmitQueue(0))
            var sink = try unwrap(outside.takeReceiveQueue(0))
            var inner = try unwrap(inside.takeReceiveQueue(0))
            var outer = try unwrap(inside.takeTransmitQueue(0))
            expectEqual(outer.canMoveBuffers(from: inner), role == .slave)
            let same = try Self.pass(&source, &inner, &outer, &sink, longest: 3000)
            #expect(same)
        }
    }

    /// Sends a thousand frames through two rings and compares what comes out.
    private static func pass(
        _ source: inout TransmitQueue, _ inner: inout ReceiveQueue, _ outer: inout TransmitQueue,
        _ sink: inout ReceiveQueue, longest: Int
    ) throws -> Bool {
        var generator = SeededGenerator()
        var views = inner.makeViews(frameCapacity: 8)
        var batch = FrameBatch(frameCapacity: 1, byteCapacity: 16_384)
        var arrived = FrameBatch(frameCapacity: 8, byteCapacity: 65_536)
        var waiting: [[UInt8]] = []
        var sent = 0
        while sent < 1000 || !waiting.isEmpty {
            while sent < 1000 {
                let frame = generator.bytes(Int.random(in: 1...longest, using: &generator))
                batch.removeAll()
                batch.append(frame)
                guard try source.transmitBurst(batch) == 1 else { break }
                waiting.append(frame)
                sent += 1
            }
            _ = try inner.receiveBurst(into: &views)
            var done = 0
            repeat {
                done += try outer.forwardBurst(&views, from: &inner, first: done)
                for index in 0..<(try sink.receiveBurst(into: &arrived)) {
                    guard arrived.bytes(of: index) == waiting.removeFirst() else { return false }
                }
            } while done < views.count
            for frame in 0..<views.count where views.pieceCount(of: frame) > 0 {
                // A frame that has gone has nothing left to see.
                guard views.byteCount(of: frame) == 0 else { return false }
            }
        }
        return true
    }

    @Test("a header goes into the headroom, and off again, without touching the rest")
    func headers() async throws {
        let pair = try await LinkPair {
            $0.ringSize = 8
            $0.headroom = 32
        }
        var source = try unwrap(pair.master.takeTransmitQueue(0))
        var sink = try unwrap(pair.master.takeReceiveQueue(0))
        var inner = try unwrap(pair.slave.takeReceiveQueue(0))
        var outer = try unwrap(pair.slave.takeTransmitQueue(0))
        var views = inner.makeViews()
        var batch = FrameBatch()
        for round in UInt8(0)..<40 {
            batch.removeAll()
            batch.append([9, round, 1, 2, 3])
            expectEqual(try source.transmitBurst(batch), 1)
            expectEqual(try inner.receiveBurst(into: &views), 1)
            expectEqual(views.headroom(of: 0), 32)
            expectEqual(views.trimFront(of: 0, by: 6), false)
            expectEqual(views.trimFront(of: 0, by: 1), true)
            expectEqual(views.extendFront(of: 0, by: 34), false)
            expectEqual(views.extendFront(of: 0, by: 2), true)
            Self.write([0xAA, 0xBB], to: &views)
            expectEqual(try outer.forwardBurst(&views, from: &inner), 1)
            expectEqual(try sink.receiveBurst(into: &batch), 1)
            expectEqual(batch.bytes(of: 0), [0xAA, 0xBB, round, 1, 2, 3])
        }
    }

    private static func write(_ bytes: [UInt8], to views: inout FrameViews) {
        var span = views.mutablePiece(of: 0)
        for (offset, byte) in bytes.enumerated() {
            span.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
        }
    }
}

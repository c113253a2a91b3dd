import LinuxIO
import Memif
import MemifTesting
import Testing

@Suite("Buffers in several regions")
struct ManyPoolsTests {
    private static func pools(_ count: Int) throws -> [BufferPool] {
        try (0..<count).map { number in
            try BufferPool(name: "pool \(number)", bufferCount: 64, bufferSize: 256 + 64 * number)
        }
    }

    @Test("each queue's buffers are in the region of its pool, and say so")
    func announced() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 8
        configuration.queues = QueueCounts(slaveToMaster: 2, masterToSlave: 3)
        configuration.pools = try Self.pools(2)
        let interface = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, handshakeTimeout: .seconds(120))
        let slave = try await master.connect()
        let link = try await interface.waitForLink(within: .seconds(30))
        #expect(slave.regions.count == 3)
        #expect(slave.announcements.allSatisfy { $0.region == 0 })
        #expect(configuration.pools.map(\.freeCount) == [64 - 4 * 8 + 8, 64 - 2 * 8])
        for place in slave.announcements {
            let ring = RawRing(
                slave.regions[0], at: Int(place.offset), log2Size: place.log2Size)
            let pool = Int(place.index) % 2
            let frame = [UInt8](repeating: 0xA0 + UInt8(place.index), count: 200)
            var batch = FrameBatch()
            switch place.direction {
            case .slaveToMaster:
                var sender = try unwrap(link.takeTransmitQueue(Int(place.index)))
                batch.append(frame)
                expectEqual(try sender.transmitBurst(batch), 1)
            case .masterToSlave:
                var receiver = try unwrap(link.takeReceiveQueue(Int(place.index)))
                #expect(ring.length(0) == UInt32(256 + 64 * pool))
                slave.regions[Int(ring.region(0))].set(frame, at: Int(ring.bufferOffset(0)))
                ring.setDescriptor(
                    0, region: ring.region(0), length: 200, offset: ring.bufferOffset(0))
                ring.tail = 1
                expectEqual(try receiver.receiveBurst(into: &batch), 1)
                expectEqual(batch.bytes(of: 0), frame)
            }
            #expect(ring.region(0) == UInt16(pool + 1))
            #expect(
                slave.regions[pool + 1].bytes(at: Int(ring.bufferOffset(0)), count: 200) == frame)
        }
        interface.remove()
    }

    @Test("frames of every size pass, and the buffers go back to where they came from")
    func frames() async throws {
        let pools = try Self.pools(3)
        do {
            let pair = try await LinkPair {
                $0.ringSize = 8
                $0.queues = QueueCounts(pairs: 4)
                $0.pools = pools
            }
            #expect(pair.master.details.regionByteCounts.count == 4)
            for direction in RingDirection.allCases {
                let (sending, receiving) = pair.ends(direction)
                for queue in 0..<4 {
                    var sender = try unwrap(sending.takeTransmitQueue(queue))
                    var receiver = try unwrap(receiving.takeReceiveQueue(queue))
                    var generator = SeededGenerator()
                    let frames = Frames.random(sizes: (1...60).map { $0 * 20 }, &generator)
                    let received = try Frames.pass(frames, through: &sender, &receiver)
                    #expect(received == frames, "seed \(generator.seed)")
                }
            }
            #expect(pools.map(\.freeCount) == [32, 48, 48])
            pair.slaveInterface.remove()
            pair.socket.close()
        }
        try await eventually("the buffers are back") { pools.allSatisfy { $0.freeCount == 64 } }
    }

    @Test("buffers move between queues of one pool, and are copied between those of two")
    func forwarded() async throws {
        let pair = try await LinkPair {
            $0.ringSize = 8
            $0.queues = QueueCounts(pairs: 2)
            $0.pools = (try? Self.pools(2)) ?? []
        }
        let first = try unwrap(pair.slave.takeReceiveQueue(0))
        for queue in 0..<2 {
            let sender = try unwrap(pair.slave.takeTransmitQueue(queue))
            expectEqual(sender.canMoveBuffers(from: first), queue == 0)
        }
    }

    @Test("one pool without enough takes nothing from the others")
    func shortage() async throws {
        let pools = try Self.pools(2)
        let hog = try await LinkPair {
            $0.ringSize = 16
            $0.pool = pools[1]
        }
        #expect(pools[1].freeCount == 32)
        var configuration = InterfaceConfiguration(id: 1)
        configuration.ringSize = 32
        configuration.queues = QueueCounts(pairs: 2)
        configuration.pools = pools
        _ = try hog.socket.add(InterfaceConfiguration(id: 1))
        let interface = try MemifInterface.connect(
            to: hog.directory.address(), configuration, on: hog.loop, reconnect: nil)
        try await eventually("the link was refused") { interface.lastEnd != nil }
        #expect(
            interface.lastEnd?.reason.text.contains("64 buffers from a pool with 32 free") == true)
        #expect(pools.map(\.freeCount) == [64, 32])
    }

    @Test("more pools than a link has regions are refused, and so is a pool that is too small")
    func refused() throws {
        let small = try BufferPool(bufferCount: 15)
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 8
        configuration.queues = QueueCounts(pairs: 2)
        configuration.pools = [try BufferPool(bufferCount: 16), small]
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let address = try UnixAddress(abstract: "nobody")
        #expect(throws: MemifError.self) {
            _ = try MemifInterface.connect(to: address, configuration, on: loop)
        }
        configuration.pools = Array(repeating: try BufferPool(bufferCount: 64), count: 256)
        #expect(throws: MemifError.self) {
            _ = try MemifInterface.connect(to: address, configuration, on: loop)
        }
    }
}

import LinuxIO
import Memif
import Testing

@Suite("Buffers of the caller's")
struct BufferPoolTests {
    @Test("a link takes its buffers from a file of the caller's, and gives them back")
    func external() async throws {
        let file = try OwnedDescriptor.memoryFile(name: "caller", byteCount: 1 << 20, seals: [])
        let pool = try BufferPool(file: file, byteCount: 1 << 20, bufferSize: 1000)
        #expect(pool.bufferCount == ((1 << 20) - 1000) / 1088 + 1)
        do {
            let pair = try await LinkPair {
                $0.ringSize = 32
                $0.pool = pool
            }
            #expect(pool.freeCount == pool.bufferCount - 64)
            for direction in RingDirection.allCases {
                let (sending, receiving) = pair.ends(direction)
                var sender = try unwrap(sending.takeTransmitQueue(0))
                var receiver = try unwrap(receiving.takeReceiveQueue(0))
                var generator = SeededGenerator()
                let frames = Frames.random(sizes: (1...300).map { $0 * 17 }, &generator)
                let received = try Frames.pass(frames, through: &sender, &receiver)
                #expect(received == frames, "seed \(generator.seed)")
            }
            pair.slaveInterface.remove()
            pair.socket.close()
        }
        try await eventually("the buffers are back") { pool.freeCount == pool.bufferCount }
    }

    @Test("a pool without enough free buffers refuses a link, and says so")
    func empty() async throws {
        let pool = try BufferPool(bufferCount: 40)
        let first = try await LinkPair {
            $0.ringSize = 16
            $0.pool = pool
        }
        var configuration = InterfaceConfiguration(id: 1)
        configuration.ringSize = 16
        configuration.pool = pool
        _ = try first.socket.add(InterfaceConfiguration(id: 1))
        let second = try MemifInterface.connect(
            to: first.directory.address(), configuration, on: first.loop, reconnect: nil)
        try await eventually("the link was refused") { second.lastEnd != nil }
        #expect(
            second.lastEnd?.reason.text.contains("32 buffers from a pool with 8 free") == true)
    }

    @Test("sizes that no pool can have are refused")
    func sizes() throws {
        for (count, size, spacing) in [
            (0, 64, 64), (-1, 64, 64), (.max, 64, 64), (1, 0, 0), (1, 64, 63),
            (1 << 20, 4096, 4160),
        ] {
            let error = #expect(throws: MemifError.self) {
                try BufferPool(bufferCount: count, bufferSize: size, bufferSpacing: spacing)
            }
            #expect(error?.code == .invalidConfiguration)
        }
        var configuration = InterfaceConfiguration()
        configuration.pool = try BufferPool(bufferCount: 10)
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let address = try UnixAddress(abstract: "nobody")
        let error = #expect(throws: MemifError.self) {
            try MemifInterface.connect(to: address, configuration, on: loop)
        }
        #expect(error?.message.hasPrefix("a pool of 10 buffers for rings of 2048 slots") == true)
    }

    @Test(
        "a file that can be cut is no pool, and one that is too short neither",
        arguments: [(4096, Seals.seal), (8192, Seals.shrink)])
    func files(byteCount: Int, seals: Seals) {
        #expect(throws: (any Error).self) {
            try BufferPool(
                file: try OwnedDescriptor.memoryFile(name: "bad", byteCount: 4096, seals: seals),
                byteCount: byteCount)
        }
    }

    @Test("huge pages are had, or the want of them is said")
    func hugePages() async throws {
        do {
            let pool = try BufferPool(bufferCount: 64, hugePages: true)
            #expect(pool.byteCount == 1 << 21)
            let pair = try await LinkPair {
                $0.ringSize = 16
                $0.pool = pool
                $0.limits.admitsHugePages = true
            }
            var sender = try unwrap(pair.slave.takeTransmitQueue(0))
            var receiver = try unwrap(pair.master.takeReceiveQueue(0))
            let received = try Frames.pass([[1, 2, 3]], through: &sender, &receiver)
            #expect(received == [[1, 2, 3]])
        } catch let error as MemifError {
            #expect(error.message.contains("1 huge pages of 2 MiB (see vm.nr_hugepages)"))
        }
    }
}

import LinuxIO
import Memif
import MemifTesting
import Testing

/// Our two roles against DPDK's, which knows nothing of our code.
@Suite("With DPDK's testpmd")
struct TestpmdTests {
    /// Every size class, the edges of a buffer, and frames that take up to five buffers.
    static let sizes =
        Array(stride(from: 64, through: 2048, by: 31)) + [64, 65, 127, 128, 2047, 2048]
        + [2049, 4095, 4096, 4097, 8192, 9000]

    @Test(
        "what it sends back is what we sent, byte for byte, chained or not",
        arguments: MemifRole.allCases, [ReceiveMode.polling, .interrupt])
    func echo(_ role: MemifRole, _ mode: ReceiveMode) async throws {
        let pair = try await TestpmdLink(role, .echo)
        let frames = Self.frames(copies: 5)
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, mode)
        }
        #expect(received == frames.bytes, "seed \(frames.seed)")
        await pair.end()
    }

    @Test("buffers of another size than its own", arguments: [512, 4096])
    func unequalBuffers(_ bufferSize: Int) async throws {
        let pair = try await TestpmdLink(.slave, .echo) {
            $0.bufferSize = bufferSize
            $0.ringSize = 512
        }
        let frames = Self.frames(copies: 2)
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, .polling)
        }
        #expect(received == frames.bytes, "seed \(frames.seed)")
        await pair.end()
    }

    @Test("several queues keep their frames apart", arguments: MemifRole.allCases)
    func queues(_ role: MemifRole) async throws {
        let pair = try await TestpmdLink(role, .echo) {
            $0.queues = QueueCounts(pairs: 4)
        } options: {
            $0.queues = 4
        }
        #expect(pair.link.receiveQueueCount == 4)
        #expect(pair.link.transmitQueueCount == 4)
        for queue in 0..<4 {
            let frames = (0..<200).map { [UInt8](repeating: UInt8(queue), count: 64 + $0) }
            let received = try await onThread {
                try Echo.pass(frames, over: pair.link, queue: queue, .polling)
            }
            #expect(received == frames)
        }
        await pair.end()
    }

    @Test("all that we send is counted by it", arguments: MemifRole.allCases)
    func itReceives(_ role: MemifRole) async throws {
        let pair = try await TestpmdLink(role, .receive)
        let total = 100_000
        try await onThread {
            var sender = try unwrap(pair.link.takeTransmitQueue(0))
            var batch = FrameBatch(frameCapacity: 32)
            for _ in 0..<32 { batch.append([UInt8](repeating: 0xA5, count: 64)) }
            var sent = 0
            while sent < total { sent += try sender.transmitBurst(batch, from: sent % 32) }
        }
        try await eventually("testpmd has counted every frame") {
            let seen = pair.testpmd.statistics
            return seen.receivedPackets == total && seen.receivedBytes == total * 64
        }
        await pair.end()
    }

    @Test(
        "all that it sends is the same frame, and of the length that it was told",
        arguments: MemifRole.allCases, [64, 1500, 2048])
    func itTransmits(_ role: MemifRole, _ size: Int) async throws {
        let pair = try await TestpmdLink(role, .transmit) { _ in
        } options: {
            $0.packetSize = size
        }
        let odd = try await onThread {
            var receiver = try unwrap(pair.link.takeReceiveQueue(0, mode: .interrupt))
            var batch = FrameBatch()
            var first: [UInt8] = []
            var count = 0
            var odd = 0
            while count < 50_000, receiver.waitForFrames(milliseconds: 30_000) {
                for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                    if first.isEmpty { first = batch.bytes(of: index) }
                    if batch.bytes(of: index) != first || first.count != size { odd += 1 }
                    count += 1
                }
            }
            return count < 50_000 ? -1 : odd
        }
        #expect(odd == 0)
        await pair.end()
    }

    @Test("it needs the secret", arguments: MemifRole.allCases)
    func secret(_ role: MemifRole) async throws {
        let secret = try Secret("sesame")
        let pair = try await TestpmdLink(role, .echo) {
            $0.id = 7
            $0.secret = secret
        } options: {
            $0.secret = "sesame"
        }
        let received = try await onThread {
            try Echo.pass([[1, 2, 3, 4]], over: pair.link, queue: 0, .polling)
        }
        #expect(received == [[1, 2, 3, 4]])
        await pair.end()
    }

    @Test("its sudden death ends the link, and its successor gets a new one")
    func killed() async throws {
        let pair = try await TestpmdLink(.master, .transmit)
        await pair.testpmd.kill()
        try await eventually("the link is over") { pair.interface.link == nil }
        #expect(!pair.link.isUp)
        var options = Testpmd.Options(.slave, path: pair.directory.path("m.sock"))
        options.forwarding = .echo
        let successor = try await Testpmd(options)
        let link = try await pair.interface.waitForLink(within: .seconds(60))
        let received = try await onThread {
            try Echo.pass([[9, 8, 7, 6]], over: link, queue: 0, .interrupt)
        }
        #expect(received == [[9, 8, 7, 6]])
        await successor.stop()
        await pair.end()
    }

    private static func frames(copies: Int) -> (bytes: [[UInt8]], seed: UInt64) {
        var generator = SeededGenerator()
        let sizes = (0..<copies).flatMap { _ in Self.sizes }
        return (Frames.random(sizes: sizes, &generator), generator.seed)
    }
}

/// A peer that sends every frame back.
private enum Echo {
    /// Sends frames, never more at a time than the rings hold, and returns what came back.
    static func pass(
        _ frames: [[UInt8]], over link: MemifLink, queue: Int, _ mode: ReceiveMode
    ) throws -> [[UInt8]] {
        var sender = try unwrap(link.takeTransmitQueue(queue))
        var receiver = try unwrap(link.takeReceiveQueue(queue, mode: mode))
        var outgoing = FrameBatch(frameCapacity: 16, byteCapacity: 16 * 10_240)
        var incoming = FrameBatch(frameCapacity: 32, byteCapacity: 32 * 10_240)
        var received: [[UInt8]] = []
        var rest = frames[...]
        let end = ContinuousClock.now + .seconds(30)
        while received.count < frames.count, ContinuousClock.now < end {
            let inFlight = frames.count - rest.count - received.count
            if inFlight < 16 {
                outgoing.removeAll()
                for frame in rest.prefix(16) { outgoing.append(frame) }
                rest = rest.dropFirst(try sender.transmitBurst(outgoing))
            }
            if mode == .interrupt { _ = receiver.waitForFrames(milliseconds: 1000) }
            for index in 0..<(try receiver.receiveBurst(into: &incoming)) {
                received.append(incoming.bytes(of: index))
            }
        }
        return received
    }
}

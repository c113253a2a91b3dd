import LinuxIO
import Memif
import MemifTesting
import Testing

/// Our two roles against DPDK's, which knows nothing of our code.
@Suite("With DPDK's testpmd")
struct TestpmdTests {
    /// Those at the edges of one buffer, and frames that take up to five.
    static let sizes =
        Array(stride(from: 64, through: 2048, by: 31)) + [64, 65, 127, 128, 2047, 2048]
        + [2049, 4095, 4096, 4097, 8192, 9000]

    @Test(
        "every size from 14 to 9,000 bytes comes back byte for byte, chained where it must be",
        arguments: MemifRole.allCases)
    func everySize(_ role: MemifRole) async throws {
        let pair = try await TestpmdLink(role, .echo)
        let frames = Self.frames(14...9000)
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, .polling)
        }
        // Not compared as a whole: a failure would print eighty megabytes.
        #expect(received.count == frames.bytes.count, "seed \(frames.seed)")
        let wrong = zip(received, frames.bytes).first { $0 != $1 }
        #expect(wrong?.1.count == nil, "seed \(frames.seed)")
        await pair.end()
    }

    @Test("asleep between frames it is the same", arguments: MemifRole.allCases)
    func interrupts(_ role: MemifRole) async throws {
        let pair = try await TestpmdLink(role, .echo)
        let frames = Self.frames(Self.sizes)
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, .interrupt)
        }
        #expect(received == frames.bytes, "seed \(frames.seed)")
        await pair.end()
    }

    @Test(
        "rings and buffers of other sizes than the usual", arguments: MemifRole.allCases,
        [(6, 512), (14, 4096)])
    func shapes(_ role: MemifRole, _ shape: (log2RingSize: Int, bufferSize: Int)) async throws {
        // The slave's sizes are the link's.
        let pair = try await TestpmdLink(role, .echo) {
            $0.bufferSize = shape.bufferSize
            $0.ringSize = 1 << shape.log2RingSize
        } options: {
            $0.bufferSize = shape.bufferSize
            $0.log2RingSize = shape.log2RingSize
        }
        // As a slave, DPDK 22.11 does not clear the flag of a chain in a slot that it uses again for a
        // whole frame (mended in its f7a52200d4): no short frame follows a long one.
        let frames = Self.frames(Self.sizes.sorted())
        // What its ring has no room for it drops: no more is under way than half of the ring holds.
        let window = min(16, max(1, (shape.bufferSize << shape.log2RingSize) / 18_000))
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, .polling, window: window)
        }
        #expect(received == frames.bytes, "seed \(frames.seed)")
        await pair.end()
    }

    @Test(
        "several queues keep their frames apart, and the secret is shared",
        arguments: MemifRole.allCases, [2, 8])
    func queues(_ role: MemifRole, _ count: Int) async throws {
        let secret = try Secret("twenty-three bytes long")
        let pair = try await TestpmdLink(role, .echo) {
            $0.id = 7
            $0.secret = secret
            $0.queues = QueueCounts(pairs: count)
        } options: {
            $0.secret = "twenty-three bytes long"
            $0.queues = count
        }
        #expect(pair.link.receiveQueueCount == count)
        #expect(pair.link.transmitQueueCount == count)
        for queue in 0..<count {
            let frames = (0..<100).map { [UInt8](repeating: UInt8(queue), count: 64 + $0) }
            let received = try await onThread {
                try Echo.pass(frames, over: pair.link, queue: queue, .polling)
            }
            #expect(received == frames)
        }
        await pair.end()
    }

    @Test("frames that stay in its own memory, which is no sealed file")
    func zeroCopy() async throws {
        let pair = try await TestpmdLink(.master, .echo) {
            $0.limits.requiresSealedRegions = false
            $0.limits.regionBytes = 4 << 30
        } options: {
            $0.zeroCopy = true
        }
        let frames = Self.frames(Array(14...2048))
        let received = try await onThread {
            try Echo.pass(frames.bytes, over: pair.link, queue: 0, .polling)
        }
        #expect(received == frames.bytes, "seed \(frames.seed)")
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
        arguments: MemifRole.allCases, [64, 2048])
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
            while count < 5_000, receiver.waitForFrames(milliseconds: 30_000) {
                for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                    if first.isEmpty { first = batch.bytes(of: index) }
                    if batch.bytes(of: index) != first || first.count != size { odd += 1 }
                    count += 1
                }
            }
            return count < 5_000 ? -1 : odd
        }
        #expect(odd == 0)
        await pair.end()
    }

    @Test("a wrong secret is refused by either, and ours says so", arguments: MemifRole.allCases)
    func secret(_ role: MemifRole) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let ours = InterfaceConfiguration(id: 7, secret: try Secret("open sesame"))
        var options = Testpmd.Options(
            role == .master ? .slave : .master, path: directory.path("m.sock"))
        options.id = 7
        options.secret = "open barley"
        switch role {
        case .master:
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            _ = try socket.add(ours)
            let testpmd = try await Testpmd(options)
            try await eventually("it is refused") {
                socket.refusals.last?.reason.code == .wrongSecret
            }
            await testpmd.stop()
            socket.close()
        case .slave:
            let testpmd = try await Testpmd(options)
            let interface = try MemifInterface.connect(
                to: directory.address(), ours, on: loop, handshakeTimeout: .seconds(120))
            try await eventually("it refuses") {
                interface.lastEnd
                    == LinkEnd(.peer, DisconnectReason(.unspecified, "Incorrect secret"))
            }
            await testpmd.stop()
            interface.remove()
        }
    }

    @Test("a slave of ours leaves and comes back, and outlives the master's sudden death")
    func reconnects() async throws {
        let pair = try await TestpmdLink(.slave, .echo)
        var options = Testpmd.Options(.master, path: pair.directory.path("m.sock"))
        options.forwarding = .echo
        var testpmd = pair.testpmd
        var link = pair.link
        for round in 0..<3 as Range<UInt8> {
            let received = try await onThread { [link] in
                try Echo.pass([[round, 2, 3, 4]], over: link, queue: 0, .interrupt)
            }
            #expect(received == [[round, 2, 3, 4]])
            link.disconnect(DisconnectReason(.administrative, "round \(round)"))
            link = try await pair.interface.nextLink(after: link, &testpmd, options)
        }
        let flood = try Flood(link)
        try await eventually("frames come back") { link.received.packets > 1000 }
        await testpmd.kill()
        try await eventually("the link is over") { !link.isUp }
        #expect(link.end?.cause == .peerVanished)
        await flood.ended()
        // It does not replace what its predecessor left behind.
        try File.remove(options.path)
        let successor = try await Testpmd(options)
        link = try await pair.interface.waitForLink(within: .seconds(60))
        let received = try await onThread { [link] in
            try Echo.pass([[9, 8, 7, 6]], over: link, queue: 0, .polling)
        }
        #expect(received == [[9, 8, 7, 6]])
        await successor.stop()
        await pair.end()
    }

    /// Frames of these sizes, each a part of one random block.
    static func frames(_ sizes: some Collection<Int>) -> (bytes: [[UInt8]], seed: UInt64) {
        var generator = SeededGenerator()
        let block = generator.bytes(12_000)
        let frames = sizes.map { size in
            let start = Int(generator.next() % 3000)
            return Array(block[start..<start + size])
        }
        return (frames, generator.seed)
    }
}

/// Frames sent as fast as they go, on a thread of its own, and those that come back received, until the
/// link is over.
final class Flood: Sendable {
    private let isOver = Flag()

    init(_ link: MemifLink) throws {
        try Thread.start(name: "flood") { [isOver] in
            defer { isOver.raise() }
            guard var sender = link.takeTransmitQueue(0), var receiver = link.takeReceiveQueue(0)
            else { return }
            var batch = FrameBatch(frameCapacity: 32)
            while true {
                batch.removeAll()
                for number in 0..<32 as Range<UInt8> {
                    batch.append([UInt8](repeating: number, count: 60))
                }
                do throws(LinkEnd) {
                    _ = try sender.transmitBurst(batch)
                    _ = try receiver.receiveBurst(into: &batch)
                } catch {
                    return
                }
            }
        }
    }

    func ended() async {
        while !isOver.isRaised { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// A peer that sends every frame back.
enum Echo {
    /// Sends frames, never more at a time than the rings hold, and returns what came back.
    static func pass(
        _ frames: [[UInt8]], over link: MemifLink, queue: Int, _ mode: ReceiveMode,
        window: Int = 16
    ) throws -> [[UInt8]] {
        var sender = try unwrap(link.takeTransmitQueue(queue))
        var receiver = try unwrap(link.takeReceiveQueue(queue, mode: mode))
        var outgoing = FrameBatch(frameCapacity: 16, byteCapacity: 16 * 10_240)
        var incoming = FrameBatch(frameCapacity: 32, byteCapacity: 32 * 10_240)
        var received: [[UInt8]] = []
        var rest = frames[...]
        let end = ContinuousClock.now + .seconds(120)
        while received.count < frames.count, ContinuousClock.now < end {
            let inFlight = frames.count - rest.count - received.count
            if inFlight < window {
                outgoing.removeAll()
                for frame in rest.prefix(window - inFlight) { outgoing.append(frame) }
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

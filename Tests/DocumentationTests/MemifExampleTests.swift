import Foundation
import LinuxIO
import Memif
import Synchronization
import Testing

@Suite("Memif's classic examples do what they say", .timeLimit(.minutes(2)))
struct MemifExampleTests {
    /// A master and a slave that are connected.
    private final class Link: Sendable {
        let socket: MasterSocket
        let interfaces: [MemifInterface]
        let master: MemifLink
        let slave: MemifLink

        init(_ loop: EventLoop) async throws {
            let address = try UnixAddress(abstract: "virtwire" + socketPath())
            socket = try MasterSocket.listen(at: address, on: loop)
            interfaces = [
                try socket.add(InterfaceConfiguration()),
                try MemifInterface.connect(
                    to: address, InterfaceConfiguration(), on: loop,
                    handshakeTimeout: .seconds(60)),
            ]
            master = try await interfaces[0].waitForLink(within: .seconds(30))
            slave = try await interfaces[1].waitForLink(within: .seconds(30))
        }

        func end() {
            for interface in interfaces { interface.remove() }
            socket.close()
        }
    }

    @Test("raw data")
    func rawData() async throws {
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let link = try await Link(loop)
        try MemifExampleSnippets.sendRawData(link.slave)
        let printed = try await printing { try MemifExampleSnippets.receiveRawData(link.master) }
        #expect(printed == "raw data 1\nraw data 2\nraw data 3")
        link.end()
    }

    @Test("a responder that polls, and one that sleeps", arguments: [false, true])
    func responder(_ sleeps: Bool) async throws {
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let link = try await Link(loop)
        async let end = Self.onThread {
            if sleeps {
                try MemifExampleSnippets.respondByInterrupt(link.master)
            } else {
                try MemifExampleSnippets.respondPolling(link.master)
            }
        }
        let replies = try await Self.exchange(Ping.requests, over: link.slave)
        #expect(replies == Ping.replies)
        link.end()
        #expect(await end is LinkEnd)
    }

    @Test("jumbo frames")
    func jumbo() async throws {
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let link = try await Link(loop)
        let printed = try await printing {
            try MemifExampleSnippets.jumbo(from: link.slave, to: link.master)
        }
        #expect(printed == "a frame in 5 buffers\ncopied 9000 bytes")
        link.end()
    }

    @Test("a bridge, in both directions")
    func bridge() async throws {
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let (left, right) = (try await Link(loop), try await Link(loop))
        try MemifExampleSnippets.bridge(left.master, right.master)
        let worker = try PacketWorker.start()
        worker.attach(right.slave, PacketEcho())
        // Until then the slave has nowhere to put frames.
        while right.slave.details.receiveQueues.first?.isTaken == false { await Task.yield() }
        let frames = (1...20).map { [UInt8](repeating: $0, count: 60) }
        #expect(try await Self.exchange(frames, over: left.slave) == frames)
        worker.stop()
        left.end()
        right.end()
    }

    /// What came back.
    private final class Replies: Sendable {
        let frames = Mutex<[[UInt8]]>([])
    }

    /// Sends frames one by one, asleep until the answer, and returns what came back for each.
    private static func exchange(
        _ frames: [[UInt8]], over link: MemifLink
    ) async throws -> [[UInt8]] {
        let replies = Replies()
        let failure = await onThread {
            guard var sender = link.takeTransmitQueue(0),
                var receiver = link.takeReceiveQueue(0, mode: .interrupt)
            else { return }
            var batch = FrameBatch(frameCapacity: 1)
            for frame in frames {
                batch.removeAll()
                batch.append(frame)
                while try sender.transmitBurst(batch) == 0 { Thread.pause() }
                while try receiver.receiveBurst(into: &batch) == 0 {
                    guard receiver.waitForFrames(milliseconds: 60_000) else { return }
                }
                let reply = batch.bytes(of: 0)
                replies.frames.withLock { $0.append(reply) }
            }
        }
        if let failure { throw failure }
        return replies.frames.withLock { $0 }
    }

    /// Runs what blocks on a thread of its own, and returns how it ended.
    private static func onThread(
        _ body: @escaping @Sendable () throws -> Void
    ) async -> (any Error)? {
        await withCheckedContinuation { continuation in
            do {
                try Thread.start(name: "example") {
                    do {
                        try body()
                        continuation.resume(returning: nil)
                    } catch {
                        continuation.resume(returning: error)
                    }
                }
            } catch {
                continuation.resume(returning: error)
            }
        }
    }
}

/// Who has 192.168.1.1, and a ping to it; and what 02:fe:c0:a8:01:01 says to both.
private enum Ping {
    static let own: [UInt8] = [0x02, 0, 0, 0, 0, 0x09]
    static let other: [UInt8] = [0x02, 0xFE, 192, 168, 1, 1]

    static let requests = [
        [UInt8](repeating: 0xFF, count: 6) + own + arp(1, own, 9, [0, 0, 0, 0, 0, 0], 1),
        other + own + echo(type: 8, lifetime: 32, from: 9, to: 1),
    ]

    static let replies = [
        own + other + arp(2, other, 1, own, 9),
        own + other + echo(type: 0, lifetime: 64, from: 1, to: 9),
    ]

    private static func arp(
        _ operation: UInt8, _ sender: [UInt8], _ from: UInt8, _ target: [UInt8], _ to: UInt8
    ) -> [UInt8] {
        [0x08, 0x06, 0, 1, 0x08, 0, 6, 4, 0, operation] + sender + [192, 168, 1, from] + target
            + [192, 168, 1, to]
    }

    private static func echo(
        type: UInt8, lifetime: UInt8, from: UInt8, to: UInt8
    ) -> [UInt8] {
        let message = summed([type, 0, 0, 0, 0, 7, 0, 1] + Array("payload!".utf8), at: 2)
        let header: [UInt8] =
            [0x45, 0, 0, UInt8(20 + message.count), 0, 1, 0, 0, lifetime, 1, 0, 0]
            + [192, 168, 1, from, 192, 168, 1, to]
        return [0x08, 0] + summed(header, at: 10) + message
    }

    /// The bytes with the Internet's checksum (RFC 1071) at an offset.
    private static func summed(_ bytes: [UInt8], at offset: Int) -> [UInt8] {
        var sum: UInt32 = 0
        for index in stride(from: 0, to: bytes.count, by: 2) {
            sum += UInt32(bytes[index]) << 8 + UInt32(bytes[index + 1])
        }
        while sum > 0xFFFF { sum = sum & 0xFFFF + sum >> 16 }
        var bytes = bytes
        bytes[offset] = UInt8(truncatingIfNeeded: ~sum >> 8)
        bytes[offset + 1] = UInt8(truncatingIfNeeded: ~sum)
        return bytes
    }
}

import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// A crash is played by a process that does no more: its queues stay as they are, in the midst of a burst.
@Suite("Links of a process that has crashed", .serialized, .timeLimit(.minutes(4)))
struct CrashTests {
    private func send(_ frames: [[UInt8]], through sender: inout TransmitQueue) throws {
        var batch = FrameBatch(frameCapacity: frames.count)
        for frame in frames { batch.append(frame) }
        expectEqual(try sender.transmitBurst(batch), frames.count)
    }

    @Test("what was received is not received again; what was held in place or has come since is")
    func receiving() async throws {
        let pair = try await LinkPair()
        let copied = try pair.socket.copy()
        expectEqual(copied.links.count, 1)
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 8)
        try send([[1], [2]], through: &sender)
        expectEqual(try receiver.receiveBurst(into: &batch), 2)
        try send([[3], [4]], through: &sender)
        var views = receiver.makeViews()
        expectEqual(try receiver.receiveBurst(into: &views), 2)
        try send([[5]], through: &sender)

        let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
        let link = try #require(new.links.first)
        #expect(try Successor.receiveAll(link) == [[3], [4], [5]])
        #expect(pair.slave.isUp && link.isUp)
        pair.socket.abandon()
        try send([[6]], through: &sender)
        #expect(try Successor.receiveAll(link) == [[6]])
        new.socket.close()
    }

    @Test("what was being sent is never seen, and a frame of any length can be sent after it")
    func sending() async throws {
        let pair = try await LinkPair()
        let copied = try pair.socket.copy()
        var receiver = try unwrap(pair.slave.takeReceiveQueue(0))
        var sender = try unwrap(pair.master.takeTransmitQueue(0))
        try send([[1]], through: &sender)
        // In the midst of a burst: described, and not published.
        for slot in 1..<9 {
            let index = UInt16(slot)
            sender.describe(index, sender.roomInSlot(index), length: 100, hasNext: slot % 2 == 0)
        }

        let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
        let link = try #require(new.links.first)
        var next = try unwrap(link.takeTransmitQueue(0))
        let long = (0..<250).map { UInt8($0) }
        try send([[2], long, [3]], through: &next)
        var batch = FrameBatch(frameCapacity: 8)
        expectEqual(try receiver.receiveBurst(into: &batch), 4)
        expectEqual((0..<4).map { batch.bytes(of: $0) }, [[1], [2], long, [3]])
        pair.socket.abandon()
        new.socket.close()
    }

    @Test("a slave that sleeps and was not told of frames is woken")
    func sleeping() async throws {
        let pair = try await LinkPair()
        let copied = try pair.socket.copy()
        var receiver = try unwrap(pair.slave.takeReceiveQueue(0, mode: .interrupt))
        let sender = try unwrap(pair.master.takeTransmitQueue(0))
        let arms = receiver.armInterrupt()
        #expect(arms)
        // Published, and then nothing more.
        sender.describe(0, sender.roomInSlot(0), length: 3, hasNext: false)
        sender.ring.setOwnIndex(1)
        let isRaised = receiver.interrupt.wait(milliseconds: 0)
        #expect(!isRaised)

        let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
        new.links.first?.wakePeer()
        let isWoken = receiver.interrupt.wait(milliseconds: 30_000)
        #expect(isWoken)
        var batch = FrameBatch(frameCapacity: 8)
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.byteCount(of: 0), 3)
        pair.socket.abandon()
        new.socket.close()
    }

    @Test(
        "an index that a slave has changed meanwhile is checked as at any other time",
        arguments: RingDirection.allCases)
    func hostile(_ direction: RingDirection) async throws {
        let pair = try await LinkPair()
        let copied = try pair.socket.copy()
        let memory = try #require(pair.master.memory)
        let ring = direction == .slaveToMaster ? memory.receiving[0] : memory.sending[0]
        // The slave hands its buffers out, so that there is an index to compare with.
        let receiver = try unwrap(pair.slave.takeReceiveQueue(0))
        ring.memory.setOwnIndex(5000)
        let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
        let link = try #require(new.links.first)
        var batch = FrameBatch(frameCapacity: 8)
        do throws(LinkEnd) {
            switch direction {
            case .slaveToMaster:
                var queue = try takenReceiver(link)
                _ = try queue.receiveBurst(into: &batch)
            case .masterToSlave:
                var queue = try takenSender(link)
                batch.append([1])
                _ = try queue.transmitBurst(batch)
            }
            Issue.record("the index was believed")
        } catch {
            #expect(error.description.contains("index jumped"), "\(error.description)")
        }
        #expect(!link.isUp)
        pair.socket.abandon()
        new.socket.close()
        withExtendedLifetime(receiver.index) {}
    }

    private func takenReceiver(_ link: MemifLink) throws(LinkEnd) -> ReceiveQueue {
        guard let queue = link.takeReceiveQueue(0) else { throw .vanished }
        return queue
    }

    private func takenSender(_ link: MemifLink) throws(LinkEnd) -> TransmitQueue {
        guard let queue = link.takeTransmitQueue(0) else { throw .vanished }
        return queue
    }

    @Test("a slave that has left meanwhile is found to have, and the next one is served")
    func left() async throws {
        let pair = try await LinkPair()
        let copied = try pair.socket.copy()
        // Nothing is heard any more.
        _ = try pair.socket.freeze()
        pair.slave.disconnect(DisconnectReason(.administrative, "I am leaving"))
        let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
        pair.socket.abandon()
        let link = try #require(new.links.first)
        try await eventually("the end is heard of") { link.end?.reason.text == "I am leaving" }
        try await eventually("the slave is back") {
            new.interface.link.map { $0 !== link } == true
        }
        new.socket.close()
    }

    @Test("what is not up, or is over, is in no copy; and a socket that is closed has none")
    func nothing() async throws {
        let pair = try await LinkPair()
        pair.slaveInterface.remove()
        try await eventually("the link is over") { pair.masterInterface.link == nil }
        let raw = try RawSlave(to: pair.directory.address())
        try await eventually("one shakes hands") { pair.socket.isShakingHands }
        let copied = try pair.socket.copy()
        expectEqual(copied.links.count, 0)
        expectEqual(copied.descriptors.count, 1)
        _ = raw
        pair.socket.close()
        let error = #expect(throws: MemifError.self) { _ = try pair.socket.copy() }
        #expect(error?.code == .closed)
    }

    @Test("fifty times in the midst of bursts with DPDK: no DISCONNECT, and frames are whole")
    func testpmd() async throws {
        var random = SeededGenerator()
        let seed = random.seed
        print("fifty crashes beside DPDK: seed \(seed)")
        let pair = try await TestpmdLink(.master, .echo)
        var socket = try #require(pair.socket)
        var interface = pair.interface
        var link = pair.link
        for round in 0..<50 {
            let copied = try socket.copy()
            let unsent = Int.random(in: 0...32, using: &random)
            let held = Int.random(in: 1...32, using: &random)
            let echoed = try await onThread { [link] in
                try Self.exchange(on: link, unsent: unsent, held: held)
            }
            #expect(echoed >= 500, "round \(round), seed \(seed)")
            let new = try Successor.take(copied, InterfaceConfiguration(), on: pair.loop)
            socket.abandon()
            (socket, interface) = (new.socket, new.interface)
            link = try #require(new.links.first)
            link.wakePeer()
            #expect(link.isUp && pair.testpmd.isRunning, "round \(round), seed \(seed)")
        }
        await pair.testpmd.stop()
        interface.remove()
        socket.close()
        await pair.end()
    }

    /// Sends frames and has them back, each as it was, and stops in the midst of both.
    ///
    /// - Parameters:
    ///   - unsent: how many of the last are described and not published.
    ///   - held: how many are received in place and not released.
    /// - Returns: how many came back; fewer than wanted after half a minute.
    private static func exchange(on link: MemifLink, unsent: Int, held: Int) throws -> Int {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var outgoing = FrameBatch(frameCapacity: 32)
        for size in 0..<32 { outgoing.append([UInt8](repeating: 7, count: 60 + 40 * size)) }
        var incoming = FrameBatch(frameCapacity: 64)
        var count = 0
        let end = ContinuousClock.now + .seconds(30)
        while count < 500, ContinuousClock.now < end {
            _ = try sender.transmitBurst(outgoing)
            for index in 0..<(try receiver.receiveBurst(into: &incoming)) {
                let frame = incoming.bytes(of: index)
                guard (frame.count - 60) % 40 == 0, frame.allSatisfy({ $0 == 7 }) else {
                    throw OddFrame(byteCount: frame.count)
                }
                count += 1
            }
        }
        var slot = sender.position
        while slot != sender.limit, slot &- sender.position < UInt16(unsent) {
            sender.describe(slot, sender.roomInSlot(slot), length: 64, hasNext: slot % 3 == 0)
            slot &+= 1
        }
        var views = receiver.makeViews(frameCapacity: held)
        _ = try receiver.receiveBurst(into: &views)
        return count
    }

    private struct OddFrame: Error {
        let byteCount: Int
    }
}

import LinuxIO
import MemifTesting
import Testing

@testable import Memif

@Suite("Links that go to another process", .serialized, .timeLimit(.minutes(3)))
struct HandOverTests {
    private func send(_ frames: [[UInt8]], on link: MemifLink) throws {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: frames.count)
        for frame in frames { batch.append(frame) }
        expectEqual(try sender.transmitBurst(batch), frames.count)
    }

    @Test(
        "frames from before, meanwhile and after arrive in order, and the slave's link is the same")
    func both() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.slave.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 4)
        func offer(_ number: UInt8) throws {
            batch.removeAll()
            batch.append([number])
            expectEqual(try sender.transmitBurst(batch), 1)
        }
        try offer(1)
        #expect(try Successor.receiveAll(pair.master) == [[1]])
        try send([[101]], on: pair.master)
        try offer(2)
        let frozen = try pair.socket.freeze()
        try offer(3)
        let new = try Successor.take(frozen, InterfaceConfiguration(), on: pair.loop)
        pair.socket.abandon()
        try offer(4)
        let link = try #require(new.links.first)
        #expect(try Successor.receiveAll(link) == [[2], [3], [4]])
        try send([[102]], on: link)
        expectEqual(try receiver.receiveBurst(into: &batch), 2)
        expectEqual((0..<2).map { batch.bytes(of: $0) }, [[101], [102]])
        #expect(pair.slave.isUp && pair.slaveInterface.link === pair.slave)
        #expect(!pair.master.isUp && new.interface.link === link)
        #expect(link.terms == pair.master.terms && link.peer == pair.master.peer)

        // The end is told, and the next link comes through the listener that was handed over.
        link.disconnect(DisconnectReason(.administrative, "enough"))
        try await eventually("the slave is back") {
            pair.slaveInterface.link.map { $0 !== pair.slave } == true
        }
        #expect(pair.slave.end?.reason.text == "enough")
        new.socket.close()
    }

    @Test("what was frozen can go on where it is, and hears then what was said meanwhile")
    func thaw() async throws {
        let pair = try await LinkPair()
        try send([[1]], on: pair.slave)
        _ = try pair.socket.freeze()
        try pair.socket.thaw()
        #expect(pair.master.isUp)
        #expect(try Successor.receiveAll(pair.master) == [[1]])
        _ = try pair.socket.freeze()
        pair.slave.disconnect(DisconnectReason(.administrative, "I am leaving"))
        try pair.socket.thaw()
        try await eventually("the master has heard it") {
            pair.master.end?.reason.text == "I am leaving"
        }
        try await eventually("the slave is back") { pair.masterInterface.link != nil }
    }

    @Test("as long as a queue is held nothing is frozen, and all goes on")
    func held() async throws {
        let pair = try await LinkPair()
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        let error = #expect(throws: MemifError.self) { _ = try pair.socket.freeze() }
        #expect(error?.code == .queuesTaken)
        try send([[7]], on: pair.slave)
        var batch = FrameBatch(frameCapacity: 4)
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        let another = try MemifInterface.connect(
            to: pair.directory.address(), InterfaceConfiguration(), on: pair.loop, reconnect: nil)
        try await eventually("others are answered") {
            another.lastEnd?.reason.text.contains("is connected already") == true
        }
        another.remove()
    }

    @Test("a slave that came over a channel is known still for who it is")
    func peer() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        let interface = try socket.add(InterfaceConfiguration())
        let peer = PeerCredentials(process: 4711, user: 12, group: 13)
        let channel = try UnixSocket(adopting: socket.openChannel(for: peer))
        let slave = try MemifInterface.connect(
            over: channel, InterfaceConfiguration(), on: loop)
        try await eventually("there is a link") { interface.link != nil && slave.link != nil }
        let new = try Successor.take(try socket.freeze(), InterfaceConfiguration(), on: loop)
        socket.abandon()
        #expect(new.links.first?.peer == peer)
        #expect(slave.link?.isUp == true)
        new.socket.close()
    }

    @Test("nobody is accepted by a frozen socket before it thaws")
    func frozen() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let path = directory.path("m.sock")
        let listener = try SocketFile.listen(at: path, kind: .messages, mode: 0o600)
        let socket = try MasterSocket(listener, on: loop, options: .patient, frozen: true)
        let interface = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop)
        for _ in 0..<3 {
            await withCheckedContinuation { done in loop.submit { done.resume() } }
        }
        #expect(socket.connections.isEmpty)
        try socket.thaw()
        try await eventually("there is a link") { interface.link != nil && slave.link != nil }
        slave.remove()
        socket.close()
    }

    @Test(
        "a link for which the interface has become too small ends with a reason, and only that one")
    func refused() async throws {
        let pair = try await LinkPair()
        var small = InterfaceConfiguration()
        small.limits.ringSize = 512
        let frozen = try pair.socket.freeze()
        var end: LinkEnd?
        do {
            _ = try Successor.take(frozen, small, on: pair.loop)
        } catch let error as LinkEnd {
            end = error
        }
        #expect(end?.reason.code == .limitExceeded)
        pair.socket.abandon()
        try await eventually("the slave has been told") {
            pair.slave.end?.reason.text.contains("more than 512 slots") == true
        }
    }

    @Test("who is in the midst of the handshake is sent away, to come again")
    func pending() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        let raw = try RawSlave(to: directory.address())
        try await eventually("it is being served") { socket.connections.count == 1 }
        let frozen = try socket.freeze()
        #expect(frozen.links == [])
        expectEqual(frozen.descriptors.count, 1)
        #expect(socket.connections.isEmpty)
        socket.close()
        _ = raw
    }

    @Test(
        "a large region is faulted in by the process that comes a part at a time, once it goes on")
    func parts() async throws {
        // 64 MiB of buffers.
        let pair = try await LinkPair { $0.bufferSize = 32_768 }
        try send([[1]], on: pair.slave)
        let frozen = try pair.socket.freeze()
        let loop = try EventLoop.unattended()
        let new = try Successor.take(frozen, InterfaceConfiguration(), on: loop)
        pair.socket.abandon()
        let link = try #require(new.links.first)
        #expect(try Successor.receiveAll(link) == [[1]])
        let poller = try Poller()
        try poller.add(loop.descriptor, for: .readable, token: 0)
        var turns = 0
        while try poller.wait(milliseconds: 0, { _, _ in }) > 0, turns < 1000 {
            try loop.runReady()
            turns += 1
        }
        #expect((5..<1000).contains(turns))
        #expect(link.isUp)
        new.socket.close()
        loop.stop()
        try loop.runReady()
    }

    @Test("a hundred times while a slave sends: every frame arrives, once and in order")
    func hundred() async throws {
        let pair = try await LinkPair { $0.ringSize = 256 }
        let isEnough = Flag()
        let slave = pair.slave
        async let sent = onThread { try Self.count(from: slave, until: isEnough) }
        defer { isEnough.raise() }
        var socket = pair.socket
        var link = pair.master
        var next: UInt32 = 0
        for _ in 0..<100 {
            let goal = next + 500
            next = try await onThread { [link, next] in
                try Self.receive(from: link, next) { $0 >= goal }
            }
            let new = try Successor.take(
                try socket.freeze(), InterfaceConfiguration(), on: pair.loop)
            socket.abandon()
            socket = new.socket
            link = try #require(new.links.first)
        }
        isEnough.raise()
        let total = try await sent
        next = try await onThread { [link, next] in
            try Self.receive(from: link, next) { $0 == total }
        }
        #expect(next == total && pair.slave.isUp)
        socket.close()
    }

    /// Sends numbers until somebody says that it is enough; how many there were.
    private static func count(from link: MemifLink, until isEnough: Flag) throws -> UInt32 {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: 16)
        var next: UInt32 = 0
        while !isEnough.isRaised {
            batch.removeAll()
            for number in next..<next + 16 {
                batch.append((0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) })
            }
            next += UInt32(try sender.transmitBurst(batch))
        }
        return next
    }

    /// Receives numbers in order until there are enough, for half a minute at most.
    private static func receive(
        from link: MemifLink, _ first: UInt32, until isEnough: (UInt32) -> Bool
    ) throws -> UInt32 {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 64)
        var next = first
        let end = ContinuousClock.now + .seconds(30)
        while !isEnough(next), ContinuousClock.now < end {
            for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                let number = batch.bytes(of: index).reversed().reduce(0) { $0 << 8 | UInt32($1) }
                guard number == next else { throw OutOfOrder(number: number, next: next) }
                next += 1
            }
        }
        return next
    }

    private struct OutOfOrder: Error {
        let number: UInt32
        let next: UInt32
    }

    @Test("a hundred times while DPDK sends: no DISCONNECT, and both ends count the same")
    func testpmd() async throws {
        let pair = try await TestpmdLink(.master, .transmit)
        var socket = try #require(pair.socket)
        var interface = pair.interface
        var link = pair.link
        var total: UInt64 = 0
        for _ in 0..<100 {
            total += try await onThread { [link] in try Self.drain(link) { $0 >= 2000 } }
            #expect(link.isUp)
            let new = try Successor.take(
                try socket.freeze(), InterfaceConfiguration(), on: pair.loop)
            socket.abandon()
            (socket, interface) = (new.socket, new.interface)
            link = try #require(new.links.first)
        }
        let last = link
        async let rest = onThread { try Self.drain(last) { _ in false } }
        let statistics = await pair.testpmd.stop()
        total += try await rest
        #expect(last.end?.cause == .peer || last.end?.cause == .peerVanished)
        #expect(Int(total) == statistics.sentPackets)
        interface.remove()
        socket.close()
        await pair.end()
    }

    /// Receives until there were enough frames or the link has ended; how many there were.
    private static func drain(_ link: MemifLink, until isEnough: (UInt64) -> Bool) throws -> UInt64
    {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 256)
        var total: UInt64 = 0
        while !isEnough(total) {
            do throws(LinkEnd) {
                total += UInt64(try receiver.receiveBurst(into: &batch))
            } catch {
                return total
            }
        }
        return total
    }
}

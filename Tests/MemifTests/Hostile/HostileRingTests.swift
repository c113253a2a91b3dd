import LinuxIO
import Memif
import MemifTesting
import Testing

/// A master of ours whose peer lies in the rings, and another whose link must not suffer.
@Suite("A hostile slave at work")
struct HostileRingTests {
    private let master: AttackedMaster

    init() throws { master = try AttackedMaster() }

    /// Receives until the link is over, and returns why and how many frames came before.
    private func receiveToTheEnd(_ link: MemifLink) throws -> (frames: Int, end: LinkEnd?) {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch()
        var frames = 0
        do throws(LinkEnd) {
            for _ in 0..<100 { frames += try receiver.receiveBurst(into: &batch) }
        } catch {
            return (frames, error)
        }
        return (frames, nil)
    }

    @Test(
        "an index that jumps further than the ring is long, or back",
        arguments: [17, 60_000, 65_535])
    func headJump(_ head: UInt16) async throws {
        let (slave, link) = try await master.connected()
        slave.sending.head = head
        let result = try receiveToTheEnd(link)
        #expect(result.frames == 0)
        #expect(result.end?.reason.code == .protocolViolation)
        #expect(
            try await slave.peer.receiveDisconnect()?.text
                == "slave to master ring 0: the sender's index jumped by \(head)")
    }

    @Test("what came before a wild descriptor is received, what comes after is not")
    func wildDescriptor() async throws {
        let wild: [(region: UInt16, length: UInt32, offset: UInt32)] = [
            (1, 60, 0), (65_535, 60, 0), (0, 60, .max), (0, .max, 0), (0, .max, .max),
        ]
        for descriptor in wild {
            let (slave, link) = try await master.connected()
            slave.transmit([1, 2, 3])
            slave.sending.setDescriptor(
                1, region: descriptor.region, length: descriptor.length,
                offset: descriptor.offset)
            slave.sending.setDescriptor(2, length: 60, offset: 0)
            slave.sending.head = 3
            let result = try receiveToTheEnd(link)
            #expect(result.frames == 1)
            #expect(result.end?.reason.code == .protocolViolation)
            let text = try await slave.peer.receiveDisconnect()?.text
            #expect(
                text == "slave to master ring 0: a descriptor points outside the regions")
            try await eventually("the interface is free again") { master.interface.link == nil }
        }
    }

    @Test("the last byte of a region may be used, the one behind it not")
    func lastByte() async throws {
        let (slave, link) = try await master.connected()
        let end = UInt32(slave.memory.byteCount)
        slave.sending.setDescriptor(0, length: 60, offset: end - 60)
        slave.sending.setDescriptor(1, length: 60, offset: end - 59)
        slave.sending.head = 2
        let result = try receiveToTheEnd(link)
        #expect(result.frames == 1)
        #expect(result.end?.cause == .refused)
    }

    @Test("a chain without an end")
    func endlessChain() async throws {
        let (slave, link) = try await master.connected()
        for slot in 0..<16 as Range<UInt16> {
            slave.sending.setDescriptor(slot, hasNext: true, length: 10, offset: 4096)
        }
        slave.sending.head = 16
        let result = try receiveToTheEnd(link)
        #expect(result.frames == 0)
        #expect(result.end?.reason.text == "slave to master ring 0: a chain without an end")
        _ = slave
    }

    @Test("a chain whose end comes later is waited for, without spinning on it")
    func lateChain() async throws {
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
        var batch = FrameBatch()
        slave.memory.set([7, 8], at: 4096)
        slave.sending.setDescriptor(0, hasNext: true, length: 2, offset: 4096)
        slave.sending.head = 1
        expectEqual(try receiver.receiveBurst(into: &batch), 0)
        expectEqual(receiver.hasNews, false)
        expectEqual(receiver.armInterrupt(), true)
        // Nor is the chain walked again while the index stands: what has become of it is not seen.
        slave.sending.setDescriptor(0, length: 2, offset: 4096)
        expectEqual(try receiver.receiveBurst(into: &batch), 0)
        slave.sending.setDescriptor(0, hasNext: true, length: 2, offset: 4096)
        slave.sending.setDescriptor(1, length: 1, offset: 4096)
        slave.sending.head = 2
        expectEqual(receiver.armInterrupt(), false)
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [7, 8, 7])
    }

    @Test("a link that ends in the midst of a chain says so")
    func endedChain() async throws {
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch()
        slave.transmit([1, 2, 3])
        slave.sending.setDescriptor(1, hasNext: true, length: 2, offset: 4096)
        slave.sending.head = 2
        try slave.peer.send(.disconnect(DisconnectReason(.unspecified, "enough")))
        try await eventually("the link is over") { !link.isUp }
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        do throws(LinkEnd) {
            _ = try receiver.receiveBurst(into: &batch)
            Issue.record("half a frame is waited for when nobody can send its end")
        } catch {
            #expect(error.reason.text == "enough")
        }
    }

    @Test("empty and overlong frames are dropped, counted, and the link goes on")
    func oddFrames() async throws {
        let (slave, link) = try await master.connected()
        slave.sending.setDescriptor(0, length: 0, offset: 4096)
        slave.sending.setDescriptor(1, length: 20_001, offset: 4096)
        for slot in 2..<5 as Range<UInt16> {
            slave.sending.setDescriptor(slot, hasNext: slot < 4, length: 10_000, offset: 4096)
        }
        slave.sending.setDescriptor(5, length: 20_000, offset: 4096)
        slave.sending.head = 6
        let result = try receiveToTheEnd(link)
        #expect(result.frames == 1)
        #expect(result.end == nil)
        #expect(link.received.drops == 3)
        #expect(link.received.bytes == 20_000)
        #expect(slave.sending.tail == 6)
    }

    @Test("our own index, rewritten by the peer, is never believed")
    func rewrittenIndex() async throws {
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch()
        for round in 0..<40 as Range<UInt8> {
            slave.transmit([round])
            slave.sending.tail = UInt16(round) &* 777
            expectEqual(try receiver.receiveBurst(into: &batch), 1)
            expectEqual(batch.bytes(of: 0), [round])
        }
        #expect(slave.sending.tail == 40)
    }

    @Test("empty buffers that lie elsewhere, have no room, or are more than there can be")
    func buffers() async throws {
        let changes: [(RawRing) -> Void] = [
            { $0.setDescriptor(0, region: 1, length: 2048, offset: 0) },
            { $0.setDescriptor(0, length: 2048, offset: .max) },
            { $0.setDescriptor(0, length: .max, offset: 64) },
            { $0.setDescriptor(0, length: 0, offset: 4096) },
            { $0.head = 17 },
            { $0.head = 65_535 },
        ]
        for change in changes {
            let (slave, link) = try await master.connected()
            change(slave.receiving)
            var sender = try unwrap(link.takeTransmitQueue(0))
            var batch = FrameBatch()
            batch.append([UInt8](repeating: 1, count: 60))
            do throws(LinkEnd) {
                _ = try sender.transmitBurst(batch)
                Issue.record("a wild buffer was used")
            } catch {
                #expect(error.reason.code == .protocolViolation)
            }
            #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)
            try await eventually("the interface is free again") { master.interface.link == nil }
        }
    }

    @Test("indexes that do not begin at 0 are taken as they are, and run over")
    func otherStart() async throws {
        let slave = try master.slave()
        slave.sending.head = 65_530
        slave.sending.tail = 65_530
        try await slave.connect()
        let link = try await master.interface.waitForLink(within: .seconds(30))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch()
        for round in 0..<20 as Range<UInt8> {
            slave.transmit([round])
            expectEqual(try receiver.receiveBurst(into: &batch), 1)
            expectEqual(batch.bytes(of: 0), [round])
        }
        #expect(slave.sending.tail == 14)
    }

    @Test("an eventfd that was made to block, and filled, holds nobody up")
    func blockingEventfd() async throws {
        let (slave, link) = try await master.connected()
        try slave.receivingInterrupt.descriptor.setNonblocking(false)
        slave.receivingInterrupt.fill()
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch()
        batch.append([1])
        expectEqual(try sender.transmitBurst(batch), 1)
        try slave.sendingInterrupt.descriptor.setNonblocking(false)
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
        expectEqual(receiver.waitForFrames(milliseconds: 5), false)
    }

    @Test("a link under attack takes no frame from its neighbour")
    func neighbour() async throws {
        let configuration = InterfaceConfiguration(id: 1)
        let good = try master.socket.add(configuration)
        let friend = try MemifInterface.connect(
            to: master.directory.address(), configuration, on: master.loop,
            handshakeTimeout: .seconds(120))
        let near = try await good.waitForLink(within: .seconds(30))
        let far = try await friend.waitForLink(within: .seconds(30))
        var sender = try unwrap(far.takeTransmitQueue(0))
        var receiver = try unwrap(near.takeReceiveQueue(0))
        for round in 0..<10 as Range<UInt8> {
            let (slave, link) = try await master.connected()
            slave.sending.head = 1000
            #expect(try receiveToTheEnd(link).end != nil)
            let frames = (0..<100).map { _ in [round] }
            let received = try Frames.pass(frames, through: &sender, &receiver)
            #expect(received == frames)
            try await eventually("the interface is free again") { master.interface.link == nil }
        }
        #expect(near.isUp)
        friend.remove()
    }
}

import LinuxIO
import Memif
import MemifTesting
import Testing

@Suite("A hostile master")
struct HostileMasterTests {
    private let directory: TemporaryDirectory
    private let loop: EventLoop
    private let master: RawMaster

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        master = try RawMaster(at: directory.address())
    }

    private func interface(
        _ change: (inout InterfaceConfiguration) -> Void = { _ in }
    ) throws -> MemifInterface {
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 16
        change(&configuration)
        return try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
    }

    private func connected(
        _ change: (inout InterfaceConfiguration) -> Void = { _ in }
    ) async throws -> (RawMaster.Slave, MemifLink, MemifInterface) {
        let interface = try interface(change)
        let slave = try await master.connect()
        return (slave, try await interface.waitForLink(within: .seconds(30)), interface)
    }

    @Test("an honest one sees one message at a time, in order, and sealed memory")
    func honest() async throws {
        let (slave, link, interface) = try await connected {
            $0.queues = QueueCounts(slaveToMaster: 2, masterToSlave: 1)
        }
        #expect(
            slave.messages
                == ["INIT", "ADD_REGION", "ADD_RING", "ADD_RING", "ADD_RING", "CONNECT"])
        #expect(
            slave.announcements.map(\.direction) == [
                .slaveToMaster, .slaveToMaster, .masterToSlave,
            ])
        #expect(try slave.regions[0].file.seals().contains([.shrink, .grow]))
        #expect(link.terms.peerName == "raw master")
        // No buffer is handed out before there is someone to take frames: masters clear the indexes.
        let ring = try #require(slave.ring(.masterToSlave))
        #expect(ring.head == 0)
        let receiver = try unwrap(link.takeReceiveQueue(0))
        #expect(ring.head == 16)
        #expect(ring.length(15) == 2048)
        _ = consume receiver
        interface.remove()
    }

    @Test("messages of 128 bytes carry nothing of our memory")
    func zeroed() async throws {
        let interface = try interface()
        let peer = try await master.accept()
        try peer.send(.hello(ControlMessage.Hello(name: "m")))
        let incoming = try unwrap(try await peer.receive())
        let bytes = incoming.bytes
        #expect(bytes.count == 128)
        // The secret that we have not, and what follows name and message.
        #expect(bytes[9..<33].allSatisfy { $0 == 0 })
        #expect(bytes[(33 + "virtwire".utf8.count)...].allSatisfy { $0 == 0 })
        interface.remove()
    }

    @Test(
        "anything but HELLO at first is answered with a reason",
        arguments: ControlMessageTests.samples.filter {
            !["HELLO", "DISCONNECT"].contains($0.name)
        })
    func first(_ message: ControlMessage) async throws {
        let interface = try interface()
        let peer = try await master.accept()
        try peer.send(message)
        #expect(
            try await peer.receiveDisconnect()
                == DisconnectReason(.protocolViolation, "\(message.name) before HELLO"))
        try await eventually("the slave knows") { interface.lastEnd != nil }
    }

    @Test("one that closes at any step is survived", arguments: 0..<4)
    func closing(_ step: Int) async throws {
        let interface = try interface()
        do {
            let peer = try await master.accept()
            if step > 0 { try peer.send(.hello(ControlMessage.Hello(name: "m"))) }
            for _ in 0..<max(step - 1, 0) {
                _ = try await peer.receive()
                try peer.send(.acknowledge)
            }
        }
        try await eventually("the slave knows") { interface.lastEnd != nil }
        #expect(interface.lastEnd?.cause == .peerVanished)
    }

    @Test("an index that jumps, in either direction")
    func jumps() async throws {
        for tail in [17, 40_000, 65_535] as [UInt16] {
            let (slave, link, interface) = try await connected()
            var receiver = try unwrap(link.takeReceiveQueue(0))
            let ring = try #require(slave.ring(.masterToSlave))
            ring.tail = tail
            var batch = FrameBatch()
            do throws(LinkEnd) {
                _ = try receiver.receiveBurst(into: &batch)
                Issue.record("a jump to \(tail) was believed")
            } catch {
                #expect(error.reason.code == .protocolViolation)
            }
            #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)
            interface.remove()
        }
        for tail in [1, 20, 60_000] as [UInt16] {
            let (slave, link, interface) = try await connected()
            var sender = try unwrap(link.takeTransmitQueue(0))
            let ring = try #require(slave.ring(.slaveToMaster))
            ring.tail = tail
            var batch = FrameBatch(frameCapacity: 20)
            for _ in 0..<20 { batch.append([1]) }
            do throws(LinkEnd) {
                _ = try sender.transmitBurst(batch)
                Issue.record("slots that were never sent came back at \(tail)")
            } catch {
                #expect(error.reason.code == .protocolViolation)
            }
            interface.remove()
        }
    }

    @Test("a length beyond the buffer")
    func length() async throws {
        let (slave, link, interface) = try await connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        let ring = try #require(slave.ring(.masterToSlave))
        ring.setDescriptor(0, length: 2049, offset: ring.bufferOffset(0))
        ring.tail = 1
        var batch = FrameBatch()
        do throws(LinkEnd) {
            _ = try receiver.receiveBurst(into: &batch)
            Issue.record("a length beyond the buffer was believed")
        } catch {
            #expect(error.reason.code == .protocolViolation)
        }
        _ = slave
        interface.remove()
    }

    @Test("where our buffers are is ours to know: what a master writes there is ignored and mended")
    func rewrittenPlaces() async throws {
        let (slave, link, interface) = try await connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        let ring = try #require(slave.ring(.masterToSlave))
        let place = ring.bufferOffset(0)
        slave.regions[0].set([5, 6, 7], at: Int(place))
        ring.setDescriptor(0, region: 77, length: 3, offset: 12)
        ring.tail = 1
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [5, 6, 7])
        #expect(ring.bufferOffset(0) == place)
        #expect(ring.length(0) == 2048)
        #expect(ring.head == 17)
        interface.remove()
    }

    @Test("the memory cannot be cut under us")
    func truncation() async throws {
        let (slave, _, interface) = try await connected()
        let error = #expect(throws: SystemError.self) {
            try slave.regions[0].file.truncate(to: 0)
        }
        #expect(error?.code == 1)
        interface.remove()
    }
}

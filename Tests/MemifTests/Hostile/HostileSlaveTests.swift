import LinuxIO
import Memif
import MemifTesting
import Testing

/// A master of ours, with one interface under attack and another whose link must not suffer.
@Suite("A hostile slave")
struct HostileSlaveTests {
    private let master: AttackedMaster

    init() throws { master = try AttackedMaster() }

    // MARK: The control channel

    @Test(
        "a message before INIT is answered with a reason",
        arguments: ControlMessageTests.samples.filter { !["INIT", "DISCONNECT"].contains($0.name) })
    func beforeInitialize(_ message: ControlMessage) async throws {
        let slave = try master.slave()
        let descriptors = message.descriptorCount == 1 ? [slave.memory.file.rawValue] : []
        try slave.peer.send(message, descriptors: descriptors)
        let reason = try #require(try await slave.peer.receiveDisconnect())
        #expect(reason.code == .protocolViolation)
        #expect(reason.text == "\(message.name) before INIT")
    }

    @Test("INIT twice", arguments: [0, 1] as [UInt32])
    func initializeTwice(_ id: UInt32) async throws {
        _ = try master.socket.add(InterfaceConfiguration(id: 1))
        let slave = try master.slave()
        try await slave.initialize()
        try slave.peer.send(.initialize(ControlMessage.Initialize(id: id, name: "")))
        #expect(try await slave.peer.receiveDisconnect()?.text == "INIT after INIT")
    }

    @Test("a message of any length but 128 bytes", arguments: [1, 2, 127, 129, 200])
    func length(_ count: Int) async throws {
        let slave = try master.slave()
        try slave.peer.send(bytes: [UInt8](repeating: 0, count: count))
        #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)
    }

    @Test("a type that does not exist")
    func unknownType() async throws {
        let slave = try master.slave()
        try slave.peer.send(bytes: [99] + [UInt8](repeating: 0, count: 127))
        #expect(
            try await slave.peer.receiveDisconnect()?.text
                == "a control message of the unknown type 99")
    }

    @Test("descriptors where none belong, and too many where one does", arguments: [1, 2, 50, 250])
    func extraDescriptors(_ count: Int) async throws {
        let slave = try master.slave()
        let many = [Int32](repeating: slave.memory.file.rawValue, count: count)
        try slave.peer.send(
            .initialize(ControlMessage.Initialize(id: 0, name: "")), descriptors: many)
        #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)

        let other = try master.slave()
        try await other.initialize()
        let region = ControlMessage.AddRegion(index: 0, byteCount: 4096)
        try other.peer.send(.addRegion(region), descriptors: many + many.prefix(1))
        #expect(try await other.peer.receiveDisconnect()?.code == .protocolViolation)
    }

    @Test("a peer that sends everything at once and never reads is served all the same")
    func pipelining() async throws {
        let slave = try master.slave()
        try slave.peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "rusty")))
        let region = ControlMessage.AddRegion(
            index: 0, byteCount: UInt64(slave.memory.byteCount))
        try slave.peer.send(.addRegion(region), descriptors: [slave.memory.file.rawValue])
        for ring in slave.announcements {
            try slave.peer.send(
                .addRing(ring), descriptors: [slave.sendingInterrupt.descriptor.rawValue])
        }
        try slave.peer.send(.connect(interfaceName: "pipe"))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        #expect(link.terms.peerName == "rusty")
        #expect(link.terms.peerInterfaceName == "pipe")
    }

    @Test("one who goes before it is answered disturbs nobody")
    func gone() async throws {
        for _ in 0..<20 { _ = try master.slave() }
        let (slave, link) = try await master.connected()
        #expect(link.isUp)
        _ = slave
    }

    // MARK: Regions and rings

    @Test("a file that is smaller than announced, or empty of seals")
    func regions() async throws {
        let small = try master.slave()
        try await small.initialize()
        let region = ControlMessage.AddRegion(
            index: 0, byteCount: UInt64(small.memory.byteCount + 1))
        try small.peer.send(.addRegion(region), descriptors: [small.memory.file.rawValue])
        #expect(try await small.peer.receiveDisconnect()?.code == .regionRefused)

        let unsealed = try master.slave { $0.seals = [] }
        try await unsealed.initialize()
        let announced = ControlMessage.AddRegion(
            index: 0, byteCount: UInt64(unsealed.memory.byteCount))
        try unsealed.peer.send(.addRegion(announced), descriptors: [unsealed.memory.file.rawValue])
        let reason = try #require(try await unsealed.peer.receiveDisconnect())
        #expect(reason.code == .regionRefused)
        #expect(reason.text.contains("F_SEAL_SHRINK"))
    }

    @Test("a descriptor that is no file of memory")
    func noFile() async throws {
        let slave = try master.slave()
        try await slave.initialize()
        let region = ControlMessage.AddRegion(index: 0, byteCount: 8)
        try slave.peer.send(
            .addRegion(region), descriptors: [slave.sendingInterrupt.descriptor.rawValue])
        #expect(try await slave.peer.receiveDisconnect()?.code == .regionRefused)
    }

    @Test("an eventfd that is none: writing to a pipe without a reader would end the process")
    func noEventfd() async throws {
        let slave = try master.slave()
        try await slave.initialize()
        try await slave.addRegion()
        for ring in slave.announcements {
            try slave.peer.send(.addRing(ring), descriptors: [slave.memory.file.rawValue])
            try await slave.peer.expect("ACK")
        }
        try slave.peer.send(.connect(interfaceName: ""))
        #expect(
            try await slave.peer.receiveDisconnect()?.text
                == "slave to master ring 0 came without an eventfd")
    }

    @Test("a ring without memif's cookie")
    func cookie() async throws {
        let slave = try master.slave()
        slave.receiving.setCookie(0)
        try await slave.initialize()
        try await slave.addRegion()
        try await slave.addRings()
        try slave.peer.send(.connect(interfaceName: ""))
        #expect(
            try await slave.peer.receiveDisconnect()?.text
                == "master to slave ring 0 does not begin with memif's cookie")
    }

    @Test("rings made for lines of 128 bytes work as well as any")
    func longLines() async throws {
        let (slave, link) = try await master.connected { $0.layout = .lines128 }
        #expect(link.terms.layout == .lines128)
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var sender = try unwrap(link.takeTransmitQueue(0))
        slave.transmit([1, 2, 3])
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [1, 2, 3])
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receiving.tail == 1)
        #expect(slave.receiving.length(0) == 3)
        #expect(
            slave.memory.bytes(at: Int(slave.receiving.bufferOffset(0)), count: 3) == [1, 2, 3])
    }
}

import Foundation
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Peers that mean no harm and do things in ways of their own, as those in the field do.
@Suite("Odd peers")
struct OddPeerTests {
    // MARK: Slaves

    private func initialization(
        _ change: (inout ControlMessage.Initialize) -> Void
    ) -> ControlMessage {
        var initialize = ControlMessage.Initialize(id: 0, name: "odd")
        change(&initialize)
        return .initialize(initialize)
    }

    @Test(
        "a secret for an interface that has none, or old memory in its place, is no reason to refuse"
    )
    func needlessSecret() async throws {
        let master = try AttackedMaster()
        let slave = try master.slave { $0.secret = (try? Secret("not asked for")) ?? .none }
        try await slave.connect()
        _ = try await master.interface.waitForLink(within: .seconds(30))
    }

    @Test("names that fill their field to the last byte, in INIT and CONNECT")
    func fullNames() async throws {
        let master = try AttackedMaster()
        let slave = try master.slave()
        try await slave.peer.expect("HELLO")
        let name = [UInt8](repeating: 0x61, count: 32)
        // INIT: version 2.0, id 0, mode 0, no secret, the name, and rubbish behind it.
        let initialize =
            [3, 0, 0, 2, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 24) + name
            + [UInt8](repeating: 0xEE, count: 63)
        try slave.peer.send(bytes: initialize)
        try await slave.peer.expect("ACK")
        try await slave.addRegion()
        try await slave.addRings()
        try slave.peer.send(bytes: [6, 0] + name + [UInt8](repeating: 0xEE, count: 94))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        #expect(link.terms.peerName == String(repeating: "a", count: 32))
        #expect(link.terms.peerInterfaceName == String(repeating: "a", count: 32))
    }

    @Test("one that sends everything at once, has lines of 128 bytes and never reads is served")
    func rusty() async throws {
        let master = try AttackedMaster()
        let slave = try master.slave { $0.layout = .lines128 }
        try slave.peer.send(initialization { $0.name = "rusty" })
        let region = ControlMessage.AddRegion(index: 0, byteCount: UInt64(slave.memory.byteCount))
        try slave.peer.send(.addRegion(region), descriptors: [slave.memory.file.rawValue])
        for ring in slave.announcements {
            try slave.peer.send(
                .addRing(ring), descriptors: [slave.sendingInterrupt.descriptor.rawValue])
        }
        try slave.peer.send(.connect(interfaceName: "pipe"))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        slave.transmit([1, 2, 3])
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [1, 2, 3])
    }

    @Test("rings in one region and buffers in others, as zero-copy slaves have them")
    func manyRegions() async throws {
        let master = try AttackedMaster()
        let slave = try master.slave()
        try await slave.initialize()
        try await slave.addRegion()
        let buffers = try (0..<3).map { _ in try RawMemory(byteCount: 8192) }
        for (index, memory) in buffers.enumerated() {
            let region = ControlMessage.AddRegion(index: UInt16(index + 1), byteCount: 8192)
            try slave.peer.send(.addRegion(region), descriptors: [memory.file.rawValue])
            try await slave.peer.expect("ACK")
        }
        try await slave.addRings()
        try slave.peer.send(.connect(interfaceName: ""))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var sender = try unwrap(link.takeTransmitQueue(0))
        for slot in 0..<3 as Range<UInt16> {
            buffers[Int(slot)].set([UInt8(slot), 9], at: 8000)
            slave.sending.setDescriptor(slot, region: slot + 1, length: 2, offset: 8000)
            slave.receiving.setDescriptor(slot, region: slot + 1, length: 64, offset: 100)
        }
        slave.sending.head = 3
        slave.receiving.head = 3
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 3)
        expectEqual(batch.bytes(of: 2), [2, 9])
        expectEqual(try sender.transmitBurst(batch), 3)
        #expect(buffers.map { $0.bytes(at: 100, count: 2) } == [[0, 9], [1, 9], [2, 9]])
    }

    @Test(
        "a slave that masks the ring it sends on, as the producer, is heard by interrupt all the same"
    )
    func maskingProducer() async throws {
        let master = try AttackedMaster()
        let slave = try master.slave()
        slave.sending.flags = MemifProtocol.maskInterrupt
        try await slave.connect()
        let link = try await master.interface.waitForLink(within: .seconds(30))
        _ = try await onThread {
            var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
            expectEqual(receiver.armInterrupt(), true)
            expectEqual(slave.sending.flags, 0)
            slave.transmit([1])
            expectEqual(receiver.waitForFrames(milliseconds: 30_000), true)
        }
    }

    @Test("who wants no interrupts gets none, and who never clears the flag neither")
    func masked() async throws {
        let master = try AttackedMaster()
        let (slave, link) = try await master.connected()
        slave.receiving.flags = MemifProtocol.maskInterrupt
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch()
        batch.append([1])
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receivingInterrupt.drain() == 0)
        slave.receiving.flags = 0
        expectEqual(try sender.transmitBurst(batch), 1)
        expectEqual(try sender.transmitBurst(batch), 1)
        // The second finds the first pending still.
        #expect(slave.receivingInterrupt.drain() == 1)
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receivingInterrupt.drain() == 1)
    }

    // MARK: Masters

    private func slave(
        _ directory: TemporaryDirectory, _ loop: EventLoop,
        _ change: (inout InterfaceConfiguration) -> Void = { _ in }
    ) throws -> MemifInterface {
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 16
        change(&configuration)
        return try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
    }

    @Test("names of a master's that fill their field to the last byte, in HELLO and CONNECTED")
    func fullNamesOfMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let interface = try slave(directory, loop)
        let peer = try await master.accept()
        let name = [UInt8](repeating: 0x61, count: 32)
        // HELLO: the name, the versions, the limits, and rubbish behind them.
        let limits: [UInt8] = [0, 2, 0, 2, 255, 0, 255, 0, 255, 0, 14]
        let rubbish = [UInt8](repeating: 0xEE, count: 94)
        try peer.send(bytes: [2, 0] + name + limits + rubbish.prefix(83))
        var last = ""
        while last != "CONNECT" {
            last = try unwrap(try await peer.receive()).message.name
            if last != "CONNECT" { try peer.send(.acknowledge) }
        }
        try peer.send(bytes: [7, 0] + name + rubbish)
        let link = try await interface.waitForLink(within: .seconds(30))
        #expect(link.terms.peerName == String(repeating: "a", count: 32))
        #expect(link.terms.peerInterfaceName == String(repeating: "a", count: 32))
        interface.remove()
    }

    @Test("a master that clears the indexes when it connects finds no buffer lost")
    func clearingMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let interface = try slave(directory, loop)
        let raw = try await master.connect { slave in
            for direction in RingDirection.allCases {
                slave.ring(direction)?.head = 0
                slave.ring(direction)?.tail = 0
                slave.ring(direction)?.flags = 0
            }
        }
        let link = try await interface.waitForLink(within: .seconds(30))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        let ring = try #require(raw.ring(.masterToSlave))
        #expect(ring.head == 16)
        raw.regions[0].set([4, 5], at: Int(ring.bufferOffset(0)))
        ring.setDescriptor(0, length: 2, offset: ring.bufferOffset(0))
        ring.tail = 1
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [4, 5])
        interface.remove()
    }

    @Test(
        "one that acknowledges an id that it does not know, and then hangs up, is left and found out"
    )
    func acknowledgingMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let interface = try slave(directory, loop)
        let guest = try RawMaster.Guest(try await master.accept())
        try await guest.lead(to: .regionAdded)
        guest.peer.hangUp()
        try await eventually("the slave knows") { interface.lastEnd?.cause == .peerVanished }
    }

    @Test("one that answers DISCONNECT with DISCONNECT gets no third")
    func politeMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let interface = try slave(directory, loop)
        let raw = try await master.connect()
        _ = try await interface.waitForLink(within: .seconds(30))
        interface.disconnect(DisconnectReason(.administrative, "enough"))
        #expect(try await raw.peer.receiveDisconnect()?.text == "enough")
        try? raw.peer.send(.disconnect(DisconnectReason(.unspecified, "enough to you")))
        expectEqual(try await raw.peer.receive() == nil, true)
        #expect(interface.lastEnd == LinkEnd(.local, DisconnectReason(.administrative, "enough")))
    }

    @Test("the last word of one that is gone already is heard", arguments: MemifRole.allCases)
    func lastWords(_ role: MemifRole) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let reason = DisconnectReason(DisconnectReason.Code(rawValue: 77), "the house is on fire")
        let victim: MemifInterface
        switch role {
        case .master:
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            victim = try socket.add(InterfaceConfiguration())
            let raw = try RawSlave(to: directory.address())
            try await raw.connect()
            try raw.peer.send(.disconnect(reason))
            raw.peer.hangUp()
            try await eventually("the victim knows") { victim.lastEnd != nil }
            socket.close()
        case .slave:
            let master = try RawMaster(at: directory.address())
            victim = try slave(directory, loop)
            let raw = try await master.connect()
            try raw.peer.send(.disconnect(reason))
            raw.peer.hangUp()
            try await eventually("the victim knows") { victim.lastEnd != nil }
        }
        #expect(victim.lastEnd == LinkEnd(.peer, reason))
        #expect(victim.lastEnd?.description.contains("77") == true)
    }

    @Test("the last word of one that has read nothing of ours is heard too")
    func unreadWords() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.unattended()
        let reason = DisconnectReason(DisconnectReason.Code(rawValue: 78), "no time to read")
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        let victim = try socket.add(InterfaceConfiguration())
        do {
            let raw = try RawSlave(to: directory.address())
            try loop.runReady()
            try raw.peer.send(initialization { _ in })
            try raw.peer.send(.disconnect(reason))
        }
        // It has closed with HELLO unread, of which the kernel tells ahead of what it has sent.
        for _ in 0..<8 { try loop.runReady() }
        #expect(victim.lastEnd == LinkEnd(.peer, reason))
        socket.close()
        loop.stop()
        try loop.runReady()
    }

    @Test("every message of ours has 128 bytes, and nothing behind what it says")
    func zeroed() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        _ = try socket.add(InterfaceConfiguration(name: "m"))
        let raw = try RawSlave(to: directory.address())
        var heard: [[UInt8]] = []
        let said: [(ControlMessage, [Int32])] =
            [
                (initialization { _ in }, []),
                (
                    .addRegion(
                        ControlMessage.AddRegion(
                            index: 0, byteCount: UInt64(raw.memory.byteCount))),
                    [raw.memory.file.rawValue]
                ),
            ]
            + raw.announcements.map {
                (.addRing($0), [raw.sendingInterrupt.descriptor.rawValue])
            } + [(.connect(interfaceName: ""), [])]
        for (message, descriptors) in said {
            heard.append(try unwrap(try await raw.peer.receive()).bytes)
            try raw.peer.send(message, descriptors: descriptors)
        }
        heard.append(try unwrap(try await raw.peer.receive()).bytes)
        try raw.peer.send(.noOperation)
        heard.append(try unwrap(try await raw.peer.receive()).bytes)
        let used = [45, 2, 2, 2, 2, 3, 6 + "NONE on a connected link".utf8.count]
        #expect(heard.map(\.count) == Array(repeating: 128, count: used.count))
        for (bytes, count) in zip(heard, used) {
            #expect(bytes[count...].allSatisfy { $0 == 0 }, "\(bytes)")
        }
        // HELLO: the name's field, the versions, and the interface's limits.
        #expect(heard[0][34..<45] == [0, 2, 0, 2, 255, 0, 15, 0, 15, 0, 14])
        socket.close()
    }
}

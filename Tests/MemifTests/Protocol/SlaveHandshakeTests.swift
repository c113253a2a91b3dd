import Testing

@testable import Memif

@Suite("The slave's handshake")
struct SlaveHandshakeTests {
    private func machine(
        _ change: (inout InterfaceConfiguration) -> Void = { _ in }
    ) throws -> SlaveHandshake {
        var configuration = InterfaceConfiguration(id: 5, name: "eth0")
        change(&configuration)
        return SlaveHandshake(configuration, geometry: try configuration.slaveGeometry())
    }

    private let hello = ControlMessage.hello(ControlMessage.Hello(name: "master"))

    private func isViolation(_ action: SlaveHandshake.Action) -> Bool {
        guard case .end(let end) = action else { return false }
        return end.cause == .refused && end.reason.code == .protocolViolation
    }

    @Test("goes from HELLO to CONNECTED in lock step, rings from the slave first")
    func whole() throws {
        var machine = try machine {
            $0.queues = QueueCounts(slaveToMaster: 2, masterToSlave: 1)
            $0.secret = try? Secret("key")
        }
        guard case .layOut(let geometry) = machine.receive(hello, descriptorCount: 0) else {
            Issue.record("no memory asked for")
            return
        }
        var sent: [ControlMessage] = []
        var action = machine.memoryIsReady()
        while case .send(let message) = action, sent.count < 20 {
            sent.append(message)
            if case .connect = message { break }
            action = machine.receive(.acknowledge, descriptorCount: 0)
        }
        #expect(
            sent.map(\.name)
                == ["INIT", "ADD_REGION", "ADD_RING", "ADD_RING", "ADD_RING", "CONNECT"])
        #expect(
            sent[0]
                == .initialize(
                    ControlMessage.Initialize(id: 5, secret: try Secret("key"), name: "eth0")))
        #expect(sent[2...4].map { $0 } == geometry.rings.map { .addRing($0) })
        let terms = LinkTerms(
            id: 5, mode: .ethernet, peerName: "master", peerInterfaceName: "vm0", layout: .lines64,
            rings: geometry.rings)
        #expect(
            machine.receive(.connected(interfaceName: "vm0"), descriptorCount: 0)
                == .connect(terms))
        #expect(isViolation(machine.receive(.acknowledge, descriptorCount: 0)))
    }

    @Test("offers no more than the master has room for; HELLO's limits are indexes")
    func limits() throws {
        var machine = try machine {
            $0.queues = QueueCounts(pairs: 4)
            $0.ringSize = 4096
        }
        let small = ControlMessage.Hello(
            name: "", largestMasterToSlaveIndex: 0, largestSlaveToMasterIndex: 1,
            largestLog2RingSize: 8)
        guard case .layOut(let geometry) = machine.receive(.hello(small), descriptorCount: 0)
        else {
            Issue.record("no memory asked for")
            return
        }
        #expect(geometry.queues == QueueCounts(slaveToMaster: 2, masterToSlave: 1))
        #expect(geometry.ringSize == 256)
    }

    @Test("a master of another version is left")
    func version() throws {
        for range in [(0x0100, 0x0199), (0x0201, 0x0300)] as [(UInt16, UInt16)] {
            var machine = try machine()
            let other = ControlMessage.Hello(
                name: "", oldestVersion: range.0, newestVersion: range.1)
            guard case .end(let end) = machine.receive(.hello(other), descriptorCount: 0) else {
                Issue.record("accepted versions \(range)")
                continue
            }
            #expect(end.reason.code == .unsupportedVersion)
        }
        var tolerant = try machine()
        let wide = ControlMessage.Hello(name: "", oldestVersion: 0x0100, newestVersion: 0x0300)
        guard case .layOut = tolerant.receive(.hello(wide), descriptorCount: 0) else {
            Issue.record("left a master that speaks our version among others")
            return
        }
    }

    @Test(
        "anything but HELLO at first ends it",
        arguments: ControlMessageTests.samples.filter {
            !["HELLO", "DISCONNECT"].contains($0.name)
        })
    func first(_ message: ControlMessage) throws {
        var machine = try machine()
        #expect(isViolation(machine.receive(message, descriptorCount: 0)))
    }

    @Test(
        "anything but ACK in between ends it",
        arguments: ControlMessageTests.samples.filter { !["ACK", "DISCONNECT"].contains($0.name) })
    func between(_ message: ControlMessage) throws {
        var machine = try machine()
        _ = machine.receive(hello, descriptorCount: 0)
        _ = machine.memoryIsReady()
        #expect(isViolation(machine.receive(message, descriptorCount: 0)))
    }

    @Test("a master has no descriptor to give")
    func descriptors() throws {
        var machine = try machine()
        #expect(isViolation(machine.receive(hello, descriptorCount: 1)))
    }

    @Test("DISCONNECT carries the master's reason")
    func disconnect() throws {
        var machine = try machine()
        _ = machine.receive(hello, descriptorCount: 0)
        let reason = DisconnectReason(.unknownInterface, "no such id")
        #expect(
            machine.receive(.disconnect(reason), descriptorCount: 0)
                == .end(LinkEnd(.peer, reason)))
    }
}

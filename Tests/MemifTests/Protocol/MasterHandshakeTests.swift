import Testing

@testable import Memif

@Suite("The master's handshake")
struct MasterHandshakeTests {
    typealias Action = MasterHandshake.Action

    static let initialize = ControlMessage.initialize(
        ControlMessage.Initialize(id: 0, name: "slave"))
    static let region = ControlMessage.AddRegion(index: 0, byteCount: 1 << 20)

    static func ring(
        _ direction: RingDirection = .slaveToMaster, index: UInt16 = 0, offset: UInt32 = 0
    ) -> ControlMessage.AddRing {
        ControlMessage.AddRing(
            direction: direction, index: index, region: 0, offset: offset, log2Size: 4)
    }

    /// A handshake that has come as far as the binding of its interface.
    static func bound(
        _ configuration: InterfaceConfiguration = InterfaceConfiguration()
    ) -> MasterHandshake {
        var machine = MasterHandshake()
        _ = machine.receive(initialize, descriptorCount: 0)
        _ = machine.bind(to: configuration, isConnected: false)
        return machine
    }

    /// A handshake with one region.
    static func withRegion(
        _ configuration: InterfaceConfiguration = InterfaceConfiguration()
    ) -> MasterHandshake {
        var machine = bound(configuration)
        _ = machine.receive(.addRegion(region), descriptorCount: 1)
        return machine
    }

    /// The code that the peer is told, or nil where the action ends nothing.
    static func code(_ action: Action) -> DisconnectReason.Code? {
        guard case .end(let end) = action, end.cause == .refused else { return nil }
        return end.reason.code
    }

    @Test("goes from INIT to CONNECTED")
    func whole() {
        var machine = MasterHandshake()
        #expect(machine.receive(Self.initialize, descriptorCount: 0) == .bind(id: 0))
        #expect(machine.bind(to: InterfaceConfiguration(), isConnected: false) == .acknowledge)
        #expect(
            machine.receive(.addRegion(Self.region), descriptorCount: 1)
                == .mapRegion(Self.region))
        let rings = [Self.ring(), Self.ring(.masterToSlave, offset: 384)]
        for ring in rings {
            #expect(machine.receive(.addRing(ring), descriptorCount: 1) == .keepRing(ring))
        }
        let terms = LinkTerms(
            id: 0, mode: .ethernet, peerName: "slave", peerInterfaceName: "eth0", layout: .lines64,
            rings: rings)
        #expect(
            machine.receive(.connect(interfaceName: "eth0"), descriptorCount: 0)
                == .connect(terms))
    }

    @Test(
        "a message before INIT ends it",
        arguments: ControlMessageTests.samples.filter { !["INIT", "DISCONNECT"].contains($0.name) })
    func beforeInitialize(_ message: ControlMessage) {
        var machine = MasterHandshake()
        let action = machine.receive(message, descriptorCount: message.descriptorCount)
        #expect(Self.code(action) == .protocolViolation)
        #expect(
            Self.code(machine.receive(Self.initialize, descriptorCount: 0)) == .protocolViolation)
    }

    @Test(
        "a message that is the master's to send, or INIT again, ends it",
        arguments: ["NONE", "ACK", "HELLO", "INIT", "CONNECTED"])
    func outOfTurn(_ name: String) throws {
        let message = try #require(ControlMessageTests.samples.first { $0.name == name })
        var machine = Self.bound()
        #expect(Self.code(machine.receive(message, descriptorCount: 0)) == .protocolViolation)
    }

    @Test("anything but DISCONNECT on a connected link ends it")
    func afterConnect() {
        var machine = Self.withRegion()
        _ = machine.receive(.addRing(Self.ring()), descriptorCount: 1)
        _ = machine.receive(.connect(interfaceName: ""), descriptorCount: 0)
        #expect(
            Self.code(machine.receive(.addRing(Self.ring(index: 1)), descriptorCount: 1))
                == .protocolViolation)
    }

    @Test("DISCONNECT ends it in any state with the peer's own reason")
    func disconnect() {
        let reason = DisconnectReason(.unspecified, "enough")
        var machine = MasterHandshake()
        #expect(
            machine.receive(.disconnect(reason), descriptorCount: 0)
                == .end(LinkEnd(.peer, reason)))
        var later = Self.withRegion()
        #expect(
            later.receive(.disconnect(reason), descriptorCount: 0) == .end(LinkEnd(.peer, reason)))
    }

    @Test("descriptors must come where they belong and nowhere else")
    func descriptors() {
        for count in [0, 2] {
            var machine = Self.bound()
            #expect(
                Self.code(machine.receive(.addRegion(Self.region), descriptorCount: count))
                    == .protocolViolation)
        }
        var machine = MasterHandshake()
        #expect(
            Self.code(machine.receive(Self.initialize, descriptorCount: 1)) == .protocolViolation)
    }

    @Test("another version is refused")
    func version() {
        var machine = MasterHandshake()
        let old = ControlMessage.Initialize(version: 0x0100, id: 0, name: "")
        #expect(
            Self.code(machine.receive(.initialize(old), descriptorCount: 0)) == .unsupportedVersion)
    }

    @Test("an unknown id, a wrong secret, another mode and a busy interface are refused by name")
    func binding() throws {
        func refusal(
            _ configuration: InterfaceConfiguration?, isConnected: Bool = false
        ) -> DisconnectReason.Code? {
            var machine = MasterHandshake()
            _ = machine.receive(Self.initialize, descriptorCount: 0)
            return Self.code(machine.bind(to: configuration, isConnected: isConnected))
        }
        #expect(refusal(nil) == .unknownInterface)
        #expect(refusal(InterfaceConfiguration(secret: try Secret("key"))) == .wrongSecret)
        #expect(refusal(InterfaceConfiguration(mode: .ip)) == .modeMismatch)
        #expect(refusal(InterfaceConfiguration(), isConnected: true) == .alreadyConnected)
        // Who does not know the secret does not learn that the interface is busy.
        let secret = InterfaceConfiguration(secret: try Secret("key"))
        #expect(refusal(secret, isConnected: true) == .wrongSecret)
        // One that is of no use any more is as wrong as any.
        var changed = secret
        changed.formerSecret = try Secret("other")
        #expect(refusal(changed, isConnected: true) == .wrongSecret)
    }

    @Test("while a secret changes, the former one is right as well")
    func formerSecret() throws {
        var configuration = InterfaceConfiguration(secret: try Secret("new"))
        configuration.formerSecret = try Secret("old")
        for (shown, isRight) in [("new", true), ("old", true), ("ol", false)] {
            var machine = MasterHandshake()
            let initialize = ControlMessage.Initialize(id: 0, secret: try Secret(shown), name: "")
            _ = machine.receive(.initialize(initialize), descriptorCount: 0)
            let action = machine.bind(to: configuration, isConnected: false)
            #expect((action == .acknowledge) == isRight, "\(shown)")
        }
    }

    @Test("a slave's secret is ignored by an interface without one")
    func needlessSecret() throws {
        var machine = MasterHandshake()
        let initialize = ControlMessage.Initialize(id: 0, secret: try Secret("key"), name: "")
        _ = machine.receive(.initialize(initialize), descriptorCount: 0)
        #expect(machine.bind(to: InterfaceConfiguration(), isConnected: false) == .acknowledge)
    }

    @Test("CONNECT without rings is refused")
    func noRings() {
        var machine = Self.withRegion()
        #expect(
            Self.code(machine.receive(.connect(interfaceName: ""), descriptorCount: 0))
                == .protocolViolation)
    }
}

public import LinuxIO
internal import Memif

/// One attack of a hostile slave over the control channel, and what the master owes it.
public struct SlaveAttack: Sendable, CustomStringConvertible {
    /// What is done.
    public let description: String
    /// What the master does in the end.
    public let answer: HandshakeAnswer
    /// What the master's sentence must say; empty where the code says enough.
    public let text: String
    private let body: @Sendable (RawSlave) async throws -> Void
    private let shape: RawSlave.Shape

    init(
        _ description: String, _ answer: HandshakeAnswer, _ text: String = "",
        _ change: (inout RawSlave.Shape) -> Void = { _ in },
        _ body: @escaping @Sendable (RawSlave) async throws -> Void
    ) {
        self.description = description
        self.answer = answer
        self.text = text
        self.body = body
        var shape = RawSlave.Shape()
        change(&shape)
        self.shape = shape
    }

    /// Connects and does it.
    ///
    /// - Returns: the slave, which has not read the master's answer yet.
    public func play(on address: UnixAddress, id: UInt32 = 0) async throws -> RawSlave {
        var shape = shape
        shape.id = id
        let slave = try RawSlave(to: address, shape)
        try await body(slave)
        return slave
    }

    /// Every one of them.
    public static var all: [SlaveAttack] {
        outOfTurn + lengths + descriptors + identity + regions + rings + departures
    }
}

extension RawSlave {
    /// How far a handshake has come.
    public enum Stage: String, Sendable, CaseIterable {
        /// The master has said HELLO.
        case greeted
        /// INIT is acknowledged.
        case initialized
        /// The region is acknowledged.
        case regionAdded
        /// The rings are acknowledged.
        case ringsAdded
        /// The master has said CONNECTED.
        case linked
    }

    /// Goes through the handshake as far as a stage, as an honest slave does.
    public func advance(to stage: Stage) async throws {
        if stage == .greeted { return try await peer.expect("HELLO") }
        try await initialize()
        if stage == .initialized { return }
        try await addRegion()
        if stage == .regionAdded { return }
        try await addRings()
        if stage == .ringsAdded { return }
        try peer.send(.connect(interfaceName: "raw0"))
        try await peer.expect("CONNECTED")
    }

    /// Sends a message with the descriptor that belongs to it.
    func say(_ message: ControlMessage) throws {
        let descriptors =
            switch message {
            case .addRegion: [memory.file.rawValue]
            case .addRing: [sendingInterrupt.descriptor.rawValue]
            default: [Int32]()
            }
        try peer.send(message, descriptors: descriptors)
    }
}

extension ControlMessage {
    /// One of each but DISCONNECT, which is never out of turn.
    static let samples: [ControlMessage] = [
        .noOperation, .acknowledge, .hello(Hello(name: "odd")),
        .initialize(Initialize(id: 0, name: "odd")),
        .addRegion(AddRegion(index: 0, byteCount: 4096)),
        .addRing(
            AddRing(direction: .slaveToMaster, index: 0, region: 0, offset: 0, log2Size: 4)),
        .connect(interfaceName: "odd"), .connected(interfaceName: "odd"),
    ]
}

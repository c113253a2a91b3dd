internal import LinuxIO
internal import Memif

/// One attack of a hostile master over the control channel, and what the slave owes it.
public struct MasterAttack: Sendable, CustomStringConvertible {
    /// What is done.
    public let description: String
    /// What the slave does in the end.
    public let answer: HandshakeAnswer
    /// What the slave's sentence must say; empty where the code says enough.
    public let text: String
    private let body: @Sendable (RawMaster.Guest) async throws -> Void

    init(
        _ description: String, _ answer: HandshakeAnswer, _ text: String = "",
        _ body: @escaping @Sendable (RawMaster.Guest) async throws -> Void
    ) {
        self.description = description
        self.answer = answer
        self.text = text
        self.body = body
    }

    /// Accepts a slave and does it.
    ///
    /// - Returns: the connection, from which the slave's answer has not been read yet.
    public func play(on master: RawMaster) async throws -> RawPeer {
        let guest = try RawMaster.Guest(try await master.accept())
        try await body(guest)
        return guest.peer
    }

    /// Every one of them.
    public static var all: [MasterAttack] {
        outOfTurn + lengths + descriptors + hellos + departures
    }
}

extension RawMaster {
    /// How far a handshake has come, as the master sees it.
    public enum Stage: String, Sendable, CaseIterable {
        /// Nothing is said.
        case accepted
        /// HELLO is sent, INIT has come.
        case initialized
        /// INIT is acknowledged, ADD_REGION has come.
        case regionAdded
        /// ADD_REGION and the rings are acknowledged, CONNECT has come.
        case connecting
        /// CONNECTED is sent.
        case linked
    }

    /// A slave on its way through the handshake.
    public struct Guest: Sendable {
        /// Its control channel.
        public let peer: RawPeer
        private let file: RawMemory

        /// A slave that has just been accepted.
        public init(_ peer: RawPeer) throws {
            self.peer = peer
            file = try RawMemory(byteCount: 4096)
        }

        /// Leads it on as far as a stage, as an honest master does.
        ///
        /// - Parameter name: the master's, as HELLO tells it.
        public func lead(to stage: Stage, name: String = "raw master") async throws {
            if stage == .accepted { return }
            try peer.send(.hello(ControlMessage.Hello(name: name)))
            let last =
                switch stage {
                case .accepted, .initialized: "INIT"
                case .regionAdded: "ADD_REGION"
                case .connecting, .linked: "CONNECT"
                }
            try await acknowledge(until: last)
            if stage == .linked { try peer.send(.connected(interfaceName: "raw1")) }
        }

        /// Acknowledges what comes until a message of a name has come.
        func acknowledge(until name: String) async throws {
            while true {
                guard let incoming = try await peer.receive() else {
                    throw RawPeerError("the slave closed before it sent \(name)")
                }
                if incoming.message.name == name { return }
                try peer.send(.acknowledge)
            }
        }

        /// A file's number, a number of times.
        func descriptors(_ count: Int) -> [Int32] {
            [Int32](repeating: file.file.rawValue, count: count)
        }
    }
}

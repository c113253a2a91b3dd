internal import Memif

extension MasterAttack {
    /// Every message that a slave must not get, at every stage: before HELLO, HELLO twice, in place of an
    /// answer, after CONNECTED, and those that are a slave's own to send.
    static var outOfTurn: [MasterAttack] {
        RawMaster.Stage.allCases.flatMap { stage in
            ControlMessage.samples.filter { isOutOfTurn($0, at: stage) }.map { message in
                MasterAttack(
                    "\(message.name) when \(stage.rawValue)", .refusal(.protocolViolation),
                    message.name
                ) { guest in
                    try await guest.lead(to: stage)
                    try guest.peer.send(message)
                }
            }
        }
    }

    private static func isOutOfTurn(
        _ message: ControlMessage, at stage: RawMaster.Stage
    ) -> Bool {
        switch message {
        case .hello: stage != .accepted
        case .acknowledge: stage != .initialized && stage != .regionAdded
        case .connected: stage != .connecting
        default: true
        }
    }

    static var lengths: [MasterAttack] {
        let wrong = [1, 2, 127, 129, 4096].flatMap { count in
            [RawMaster.Stage.accepted, .linked].map { stage in
                MasterAttack(
                    "a record of \(count) bytes when \(stage.rawValue)",
                    .refusal(.protocolViolation)
                ) { guest in
                    try await guest.lead(to: stage)
                    try guest.peer.send(bytes: [UInt8](repeating: 0, count: count))
                }
            }
        }
        let type = MasterAttack(
            "a message of type 65535", .refusal(.protocolViolation), "unknown type 65535"
        ) { guest in
            try await guest.lead(to: .initialized)
            try guest.peer.send(bytes: [UInt8](repeating: 0xFF, count: 128))
        }
        let empty = MasterAttack("an empty record", .nobody) { guest in
            try await guest.lead(to: .initialized)
            try guest.peer.send(bytes: [])
        }
        return wrong + [type, empty]
    }

    /// No message of a master's carries a descriptor.
    static var descriptors: [MasterAttack] {
        [1, 2, 50, 253].flatMap { count in
            [
                MasterAttack(
                    "HELLO with \(count) descriptors", .refusal(.protocolViolation)
                ) { guest in
                    try guest.peer.send(
                        .hello(ControlMessage.Hello(name: "odd")),
                        descriptors: guest.descriptors(count))
                },
                MasterAttack("ACK with \(count) descriptors", .refusal(.protocolViolation)) {
                    guest in
                    try await guest.lead(to: .initialized)
                    try guest.peer.send(
                        .acknowledge, descriptors: guest.descriptors(count))
                },
                MasterAttack(
                    "CONNECTED with \(count) descriptors", .refusal(.protocolViolation)
                ) { guest in
                    try await guest.lead(to: .connecting)
                    try guest.peer.send(
                        .connected(interfaceName: "odd"),
                        descriptors: guest.descriptors(count))
                },
            ]
        }
    }

    /// What HELLO may say: versions that we have not, and limits without sense.
    static var hellos: [MasterAttack] {
        func hello(
            _ name: String, _ answer: HandshakeAnswer, _ text: String = "",
            _ change: @escaping @Sendable (inout ControlMessage.Hello) -> Void
        ) -> MasterAttack {
            MasterAttack(name, answer, text) { guest in
                var hello = ControlMessage.Hello(name: "odd")
                change(&hello)
                try guest.peer.send(.hello(hello))
                if answer != .link { return }
                try await guest.acknowledge(until: "CONNECT")
                try guest.peer.send(.connected(interfaceName: "odd"))
            }
        }
        return [
            hello("only version 1.0", .refusal(.unsupportedVersion), "100 to 1ff") {
                $0.oldestVersion = 0x0100
                $0.newestVersion = 0x01FF
            },
            hello("only version 3.0", .refusal(.unsupportedVersion), "300 to ffff") {
                $0.oldestVersion = 0x0300
                $0.newestVersion = 0xFFFF
            },
            hello("versions that end before they begin", .refusal(.unsupportedVersion)) {
                $0.oldestVersion = 0xFFFF
                $0.newestVersion = 0
            },
            hello("rings of one slot", .refusal(.protocolViolation), "one slot") {
                $0.largestLog2RingSize = 0
            },
            hello("every version, and no more than one ring of two slots", .link) {
                $0.oldestVersion = 0
                $0.newestVersion = .max
                $0.largestRegionIndex = 0
                $0.largestMasterToSlaveIndex = 0
                $0.largestSlaveToMasterIndex = 0
                $0.largestLog2RingSize = 1
            },
            hello("more than there can be", .link) {
                $0.largestRegionIndex = .max
                $0.largestMasterToSlaveIndex = .max
                $0.largestSlaveToMasterIndex = .max
                $0.largestLog2RingSize = .max
            },
        ]
    }

    static var departures: [MasterAttack] {
        RawMaster.Stage.allCases.flatMap { stage in
            [
                MasterAttack("gone when \(stage.rawValue)", .nobody) { guest in
                    try await guest.lead(to: stage)
                    guest.peer.hangUp()
                },
                MasterAttack("half closed when \(stage.rawValue)", .nobody) { guest in
                    try await guest.lead(to: stage)
                    guest.peer.finishSending()
                },
                MasterAttack("DISCONNECT when \(stage.rawValue)", .nobody) { guest in
                    try await guest.lead(to: stage)
                    try guest.peer.send(.disconnect(DisconnectReason(.unspecified, "odd")))
                },
            ]
        }
    }
}

internal import LinuxIO
internal import Memif

extension SlaveAttack {
    /// Every message that a master must not get, at every stage: before INIT, twice, after CONNECT, and
    /// those that are a master's own to send.
    static var outOfTurn: [SlaveAttack] {
        RawSlave.Stage.allCases.flatMap { stage in
            ControlMessage.samples.filter { isOutOfTurn($0, at: stage) }.map { message in
                SlaveAttack(
                    "\(message.name) when \(stage.rawValue)", .refusal(.protocolViolation),
                    message.name
                ) { slave in
                    try await slave.advance(to: stage)
                    try slave.say(message)
                }
            }
        }
    }

    private static func isOutOfTurn(
        _ message: ControlMessage, at stage: RawSlave.Stage
    ) -> Bool {
        switch message {
        case .initialize: stage != .greeted
        // What is wrong with these within the handshake is what they say.
        case .addRegion, .addRing, .connect: stage == .greeted || stage == .linked
        default: true
        }
    }

    /// Records that are no message: all have 128 bytes and a type.
    static var lengths: [SlaveAttack] {
        let wrong = [1, 2, 127, 129, 4096].flatMap { count in
            [RawSlave.Stage.greeted, .linked].map { stage in
                SlaveAttack(
                    "a record of \(count) bytes when \(stage.rawValue)",
                    .refusal(.protocolViolation)
                ) { slave in
                    try await slave.advance(to: stage)
                    try slave.peer.send(bytes: [UInt8](repeating: 0, count: count))
                }
            }
        }
        let types = [9, 255, 256, 65_535].map { type in
            SlaveAttack(
                "a message of type \(type)", .refusal(.protocolViolation), "unknown type \(type)"
            ) { slave in
                try await slave.advance(to: .initialized)
                let bytes = [UInt8(type & 255), UInt8(type >> 8)]
                try slave.peer.send(bytes: bytes + [UInt8](repeating: 0xA5, count: 126))
            }
        }
        // It cannot be told from the end of the connection.
        let empty = SlaveAttack("an empty record", .nobody) { slave in
            try await slave.advance(to: .initialized)
            try slave.peer.send(bytes: [])
        }
        return wrong + types + [empty]
    }

    /// Descriptors where none belong, more than one, and none where one belongs.
    static var descriptors: [SlaveAttack] {
        let attached = [1, 2, 50, 253].map { count in
            SlaveAttack(
                "INIT with \(count) descriptors", .refusal(.protocolViolation)
            ) { slave in
                try await slave.advance(to: .greeted)
                try slave.peer.send(
                    .initialize(ControlMessage.Initialize(id: slave.shape.id, name: "")),
                    descriptors: [Int32](repeating: slave.memory.file.rawValue, count: count))
            }
        }
        let surplus = [0, 2, 253].flatMap { count in
            [
                SlaveAttack(
                    "ADD_REGION with \(count) descriptors", .refusal(.protocolViolation)
                ) { slave in
                    try await slave.advance(to: .initialized)
                    let region = ControlMessage.AddRegion(index: 0, byteCount: 4096)
                    try slave.peer.send(
                        .addRegion(region),
                        descriptors: [Int32](repeating: slave.memory.file.rawValue, count: count))
                },
                SlaveAttack(
                    "ADD_RING with \(count) descriptors", .refusal(.protocolViolation)
                ) { slave in
                    try await slave.advance(to: .regionAdded)
                    let eventfd = slave.sendingInterrupt.descriptor.rawValue
                    try slave.peer.send(
                        .addRing(slave.announcements[0]),
                        descriptors: [Int32](repeating: eventfd, count: count))
                },
            ]
        }
        return attached + surplus
    }

    /// Who it says that it is, and what it knows.
    static var identity: [SlaveAttack] {
        func initialize(
            _ name: String, _ answer: HandshakeAnswer, _ text: String,
            _ change: @escaping @Sendable (inout ControlMessage.Initialize) -> Void
        ) -> SlaveAttack {
            SlaveAttack(name, answer, text) { slave in
                try await slave.advance(to: .greeted)
                var initialize = ControlMessage.Initialize(id: slave.shape.id, name: "odd")
                change(&initialize)
                try slave.peer.send(.initialize(initialize))
            }
        }
        return [
            initialize("an id that is not there", .refusal(.unknownInterface), "id 4294967295") {
                $0.id = .max
            },
            initialize("version 1.0", .refusal(.unsupportedVersion), "version 100") {
                $0.version = 0x0100
            },
            initialize("version 255.255", .refusal(.unsupportedVersion), "version ffff") {
                $0.version = 0xFFFF
            },
            initialize("the mode IP", .refusal(.modeMismatch), "mode 1") { $0.mode = 1 },
            initialize("a mode that is none", .refusal(.modeMismatch), "mode 255") {
                $0.mode = 255
            },
        ]
    }

    /// Connections that end in the midst of it, with a word and without.
    static var departures: [SlaveAttack] {
        RawSlave.Stage.allCases.flatMap { stage in
            [
                SlaveAttack("gone when \(stage.rawValue)", .nobody) { slave in
                    try await slave.advance(to: stage)
                    slave.peer.hangUp()
                },
                SlaveAttack("half closed when \(stage.rawValue)", .nobody) { slave in
                    try await slave.advance(to: stage)
                    slave.peer.finishSending()
                },
                SlaveAttack("DISCONNECT when \(stage.rawValue)", .nobody) { slave in
                    try await slave.advance(to: stage)
                    try slave.peer.send(.disconnect(DisconnectReason(.unspecified, "odd")))
                },
            ]
        }
    }
}

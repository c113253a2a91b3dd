/// The slave's side of the control channel, without any I/O: a message in, what to do out.
///
/// It stays in lock step, one message for each of the master's, as every known master expects.
///
/// Source: HELLO, then INIT, ADD_REGION…, ADD_RING… (slave to master first), CONNECT, each sent
/// when the one before it was acknowledged; CONNECTED ends it.
public struct SlaveHandshake: ~Copyable, Sendable {
    private enum State: ~Copyable {
        case awaitingHello
        case layingOut(SlaveGeometry, peerName: String)
        case announcing(Announcement)
        case awaitingConnected(Announcement)
        case connected
        case ended
    }

    private struct Announcement {
        var geometry: SlaveGeometry
        var peerName: String
        var messages: [ControlMessage]
        var sent = 1
    }

    /// What the driver of the connection has to do.
    enum Action: Hashable, Sendable {
        /// Make the memory; answer with `memoryIsReady()`.
        case layOut(SlaveGeometry)
        /// Send a message; ADD_REGION with the region's file, ADD_RING with the ring's eventfd.
        case send(ControlMessage)
        /// The link is up.
        case connect(LinkTerms)
        /// End the connection: tell the peer the reason, where the end has one for it.
        case end(LinkEnd)
    }

    private let configuration: InterfaceConfiguration
    private let geometry: SlaveGeometry
    private var state: State = .awaitingHello

    /// A connection that was just made; the master speaks first.
    init(_ configuration: InterfaceConfiguration, geometry: SlaveGeometry) {
        self.configuration = configuration
        self.geometry = geometry
    }

    /// Takes the next message.
    mutating func receive(_ message: ControlMessage, descriptorCount: Int) -> Action {
        if case .disconnect(let reason) = message {
            state = .ended
            return .end(LinkEnd(.peer, reason))
        }
        guard descriptorCount == 0 else {
            return end(.violation("\(message.name) with \(descriptorCount) descriptors"))
        }
        switch takeState() {
        case .awaitingHello:
            guard case .hello(let hello) = message else {
                return end(.violation("\(message.name) before HELLO"))
            }
            return start(hello)
        case .layingOut: return end(.violation("\(message.name) before INIT was sent"))
        case .announcing(let announcement):
            guard case .acknowledge = message else {
                return end(.violation("\(message.name) in place of ACK"))
            }
            return advance(announcement)
        case .awaitingConnected(let announcement):
            guard case .connected(let interfaceName) = message else {
                return end(.violation("\(message.name) in place of CONNECTED"))
            }
            return connect(announcement, interfaceName)
        case .connected: return end(.violation("\(message.name) on a connected link"))
        case .ended: return end(.violation("\(message.name) after the end"))
        }
    }

    /// Answers `.layOut`.
    mutating func memoryIsReady() -> Action {
        guard case .layingOut(let geometry, let peerName) = takeState() else {
            return end(.violation("memory out of turn"))
        }
        let initialize = ControlMessage.Initialize(
            id: configuration.id, mode: configuration.mode.rawValue,
            secret: configuration.secret ?? .none, name: configuration.name)
        let messages: [ControlMessage] =
            [.initialize(initialize)] + geometry.regions.map { .addRegion($0) }
            + geometry.rings.map { .addRing($0) }
            + [.connect(interfaceName: configuration.name)]
        state = .announcing(
            Announcement(geometry: geometry, peerName: peerName, messages: messages))
        return .send(messages[0])
    }

    /// Ends it from outside: no memory, a deadline, a removal.
    mutating func close() { state = .ended }

    /// The state, with the end left in its place: a path that stores no next state has ended.
    private mutating func takeState() -> State { exchange(&state, with: .ended) }

    private mutating func start(_ hello: ControlMessage.Hello) -> Action {
        let version = MemifProtocol.version
        guard hello.oldestVersion <= version, hello.newestVersion >= version else {
            let range = [hello.oldestVersion, hello.newestVersion]
                .map { String($0, radix: 16) }.joined(separator: " to ")
            return end(
                LinkEnd(
                    .refused,
                    DisconnectReason(
                        .unsupportedVersion, "versions \(range) offered, 200 is spoken here")))
        }
        guard let limited = geometry.limited(by: hello) else {
            return end(
                .violation("HELLO allows rings of one slot only, or too few regions for a pool"))
        }
        state = .layingOut(limited, peerName: hello.name)
        return .layOut(limited)
    }

    private mutating func advance(_ announcement: Announcement) -> Action {
        var announcement = announcement
        let message = announcement.messages[announcement.sent]
        announcement.sent += 1
        if announcement.sent == announcement.messages.count {
            state = .awaitingConnected(announcement)
        } else {
            state = .announcing(announcement)
        }
        return .send(message)
    }

    private mutating func connect(
        _ announcement: Announcement, _ interfaceName: String
    ) -> Action {
        state = .connected
        return .connect(
            LinkTerms(
                id: configuration.id, mode: configuration.mode, peerName: announcement.peerName,
                peerInterfaceName: interfaceName, layout: announcement.geometry.layout,
                rings: announcement.geometry.rings))
    }

    private mutating func end(_ end: LinkEnd) -> Action {
        state = .ended
        return .end(end)
    }
}

/// What the two ends have told each other by the time a link comes up.
public struct LinkTerms: Hashable, Sendable {
    /// The interface's id.
    public var id: UInt32
    /// What it carries.
    public var mode: InterfaceMode
    /// The peer program's name, from HELLO or INIT.
    public var peerName: String
    /// The peer's name for its interface, from CONNECT or CONNECTED.
    public var peerInterfaceName: String
    /// The layout of the rings.
    public var layout: RingLayout
    /// The rings, in the order of their announcement.
    public var rings: [ControlMessage.AddRing]
    /// Whether the rings could have no other layout; else their content may tell: see
    /// `LinkMemory.layout(of:in:)`.
    var isLayoutCertain = true

    /// Makes terms of what was kept of others.
    public init(
        id: UInt32, mode: InterfaceMode, peerName: String, peerInterfaceName: String,
        layout: RingLayout, rings: [ControlMessage.AddRing]
    ) {
        self.id = id
        self.mode = mode
        self.peerName = peerName
        self.peerInterfaceName = peerInterfaceName
        self.layout = layout
        self.rings = rings
    }

    init(
        id: UInt32, mode: InterfaceMode, peerName: String, peerInterfaceName: String,
        layout: RingLayout, rings: [ControlMessage.AddRing], isLayoutCertain: Bool
    ) {
        self.init(
            id: id, mode: mode, peerName: peerName, peerInterfaceName: peerInterfaceName,
            layout: layout, rings: rings)
        self.isLayoutCertain = isLayoutCertain
    }
}

/// The master's side of the control channel, without any I/O: a message in, what to do out.
///
/// A message out of turn ends the connection. A slave may send everything at once without waiting
/// for an answer: each message is judged when it is its turn.
///
/// Source: the sequence INIT, ADD_REGION…, ADD_RING…, CONNECT; each acknowledged but the last.
public struct MasterHandshake: ~Copyable, Sendable {
    private enum State: ~Copyable {
        case awaitingInitialize
        case binding(ControlMessage.Initialize)
        case configuring(Bound)
        case connected
        case ended
    }

    private struct Bound {
        var initialize: ControlMessage.Initialize
        var mode: InterfaceMode
        var admission: RingAdmission
    }

    /// What the driver of the connection has to do.
    public enum Action: Hashable, Sendable {
        /// Find the interface; answer with `bind(to:isConnected:)`, nil for none.
        case bind(id: UInt32)
        /// Send ACK.
        case acknowledge
        /// Map the region from the descriptor that came along, then send ACK.
        case mapRegion(ControlMessage.AddRegion)
        /// Keep the eventfd that came along, then send ACK.
        case keepRing(ControlMessage.AddRing)
        /// Set up the link and send CONNECTED.
        case connect(LinkTerms)
        /// End the connection: tell the peer the reason, where the end has one for it.
        case end(LinkEnd)
    }

    private var state: State = .awaitingInitialize

    /// A connection that was just accepted; HELLO is the driver's to send.
    public init() {}

    /// The channel of a link that is up already.
    init(resuming terms: LinkTerms) { state = .connected }

    /// Takes the next message.
    ///
    /// - Parameter descriptorCount: how many descriptors came with it.
    public mutating func receive(
        _ message: ControlMessage, descriptorCount: Int
    ) -> Action {
        if case .disconnect(let reason) = message {
            state = .ended
            return .end(LinkEnd(.peer, reason))
        }
        guard descriptorCount == message.descriptorCount else {
            return end(
                .violation(
                    "\(message.name) with \(descriptorCount) descriptors in place of "
                        + "\(message.descriptorCount)"))
        }
        switch takeState() {
        case .awaitingInitialize:
            guard case .initialize(let initialize) = message else {
                return end(.violation("\(message.name) before INIT"))
            }
            return start(initialize)
        case .binding: return end(.violation("\(message.name) before the interface is bound"))
        case .configuring(let bound): return configure(bound, message)
        case .connected: return end(.violation("\(message.name) on a connected link"))
        case .ended: return end(.violation("\(message.name) after the end"))
        }
    }

    /// Answers `.bind`.
    ///
    /// - Parameters:
    ///   - configuration: the interface with the id asked for; nil when there is none.
    ///   - isConnected: whether it has a peer already.
    ///   - refusal: what to tell a slave that is right in everything, while none is served.
    public mutating func bind(
        to configuration: InterfaceConfiguration?, isConnected: Bool,
        refusal: DisconnectReason? = nil
    ) -> Action {
        guard case .binding(let initialize) = takeState() else {
            return end(.violation("bound out of turn"))
        }
        guard let configuration else {
            return refuse(.unknownInterface, "no interface has id \(initialize.id)")
        }
        // The secret first: who does not know it learns nothing else of the interface.
        if !configuration.admits(initialize.secret) {
            return refuse(.wrongSecret, "wrong secret for interface \(initialize.id)")
        }
        guard initialize.mode == configuration.mode.rawValue else {
            return refuse(
                .modeMismatch,
                "mode \(initialize.mode) asked for, the interface's is "
                    + "\(configuration.mode.rawValue) (\(configuration.mode))")
        }
        if let refusal { return end(LinkEnd(.refused, refusal)) }
        guard !isConnected else {
            return refuse(.alreadyConnected, "interface \(initialize.id) is connected already")
        }
        let admission = RingAdmission(limits: configuration.limits)
        state = .configuring(
            Bound(initialize: initialize, mode: configuration.mode, admission: admission))
        return .acknowledge
    }

    /// Ends it from outside: a failed mapping, a deadline, a removal.
    public mutating func close() { state = .ended }

    /// The state, with the end left in its place: a path that stores no next state has ended.
    private mutating func takeState() -> State { exchange(&state, with: .ended) }

    private mutating func start(_ initialize: ControlMessage.Initialize) -> Action {
        guard initialize.version == MemifProtocol.version else {
            return refuse(
                .unsupportedVersion,
                "version \(String(initialize.version, radix: 16)) asked for, 200 is spoken here")
        }
        state = .binding(initialize)
        return .bind(id: initialize.id)
    }

    private mutating func configure(_ bound: Bound, _ message: ControlMessage) -> Action {
        var bound = bound
        switch message {
        case .addRegion(let region):
            if let problem = bound.admission.admit(region) { return end(problem) }
            state = .configuring(bound)
            return .mapRegion(region)
        case .addRing(let ring):
            if let problem = bound.admission.admit(ring) { return end(problem) }
            state = .configuring(bound)
            return .keepRing(ring)
        case .connect(let interfaceName):
            switch bound.admission.settledLayout() {
            case .failure(let problem): return end(problem)
            case .success(let (layout, isCertain)):
                state = .connected
                return .connect(
                    LinkTerms(
                        id: bound.initialize.id, mode: bound.mode,
                        peerName: bound.initialize.name, peerInterfaceName: interfaceName,
                        layout: layout, rings: bound.admission.rings, isLayoutCertain: isCertain))
            }
        case .noOperation, .acknowledge, .hello, .initialize, .connected, .disconnect:
            return end(.violation("\(message.name) after INIT"))
        }
    }

    private mutating func refuse(_ code: DisconnectReason.Code, _ text: String) -> Action {
        end(LinkEnd(.refused, DisconnectReason(code, text)))
    }

    private mutating func end(_ end: LinkEnd) -> Action {
        state = .ended
        return .end(end)
    }
}

public import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization
public import XDR

/// A procedure, told by numbers: those of different programs overlap.
struct CalledProcedure: Hashable, Sendable {
    let program: UInt32
    let number: Int32

    init(program: UInt32, number: Int32) {
        self.program = program
        self.number = number
    }

    init<Arguments, Result>(_ procedure: XDRProcedure<Arguments, Result>) {
        self.init(program: procedure.program, number: procedure.number)
    }
}

/// The registrations for events that clients of a fake daemon have made.
final class FakeEvents: Sendable {
    struct Registration {
        let client: LinkServer.Client.ID
        let event: FakeLibvirtd.EventRegistration
        /// What identifies the one object; nil for all.
        let object: [UInt8]?
        let callback: Int32
    }

    private struct State {
        var registrations: [Registration] = []
        var nextCallbacks: [Int: Int32] = [:]
        var whenRegistered: (@Sendable (FakeLibvirtd.EventRegistration) -> Void)?
    }

    private let state = Mutex(State())

    var registrations: [Registration] { state.withLock(\.registrations) }

    func whenRegistered(_ body: @escaping @Sendable (FakeLibvirtd.EventRegistration) -> Void) {
        state.withLock { $0.whenRegistered = body }
    }

    func forget(_ client: LinkServer.Client.ID) {
        state.withLock { state in state.registrations.removeAll { $0.client == client } }
    }

    /// The procedures by which clients register and deregister.
    static let procedures: Set<CalledProcedure> = [
        .init(Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY),
        .init(Remote.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY),
        .init(Remote.CONNECT_NETWORK_EVENT_REGISTER_ANY),
        .init(Remote.CONNECT_NETWORK_EVENT_DEREGISTER_ANY),
        .init(Remote.CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY),
        .init(Remote.CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY),
        .init(Remote.CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY),
        .init(Remote.CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY),
        .init(Remote.CONNECT_SECRET_EVENT_REGISTER_ANY),
        .init(Remote.CONNECT_SECRET_EVENT_DEREGISTER_ANY),
        .init(Qemu.CONNECT_DOMAIN_MONITOR_EVENT_REGISTER),
        .init(Qemu.CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER),
    ]

    /// What carries them out for one client.
    func procedures(for client: LinkServer.Client.ID) -> ProcedureTable {
        var table = ProcedureTable()
        serveDomains(&table, client)
        serveOthers(&table, client)
        return table
    }

    private func serveDomains(_ table: inout ProcedureTable, _ client: LinkServer.Client.ID) {
        table.serve(Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .domain, arguments.eventID, arguments.dom?.uuid.bytes, client))
        }
        table.serve(Remote.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.domain, arguments.callbackID, client)
        }
        table.serve(Qemu.CONNECT_DOMAIN_MONITOR_EVENT_REGISTER) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .monitor, 0, arguments.dom?.uuid.bytes, client,
                    filter: arguments.event?.text, flags: arguments.flags))
        }
        table.serve(Qemu.CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.monitor, arguments.callbackID, client)
        }
    }

    private func serveOthers(_ table: inout ProcedureTable, _ client: LinkServer.Client.ID) {
        table.serve(Remote.CONNECT_NETWORK_EVENT_REGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .network, arguments.eventID, arguments.net?.uuid.bytes, client))
        }
        table.serve(Remote.CONNECT_NETWORK_EVENT_DEREGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.network, arguments.callbackID, client)
        }
        table.serve(Remote.CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .storagePool, arguments.eventID, arguments.pool?.uuid.bytes, client))
        }
        table.serve(Remote.CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.storagePool, arguments.callbackID, client)
        }
        table.serve(Remote.CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .nodeDevice, arguments.eventID, arguments.dev?.name.bytes, client))
        }
        table.serve(Remote.CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.nodeDevice, arguments.callbackID, client)
        }
        table.serve(Remote.CONNECT_SECRET_EVENT_REGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            .init(
                callbackID: try register(
                    .secret, arguments.eventID, arguments.secret?.uuid.bytes, client))
        }
        table.serve(Remote.CONNECT_SECRET_EVENT_DEREGISTER_ANY) {
            [self] (arguments) throws(CallRefusal) in
            try deregister(.secret, arguments.callbackID, client)
        }
    }

    private func register(
        _ family: FakeLibvirtd.EventFamily, _ kind: Int32, _ object: [UInt8]?,
        _ client: LinkServer.Client.ID, filter: String? = nil, flags: UInt32 = 0
    ) throws(CallRefusal) -> Int32 {
        let event = FakeLibvirtd.EventRegistration(
            family: family, kind: kind, filter: filter, flags: flags)
        let (callback, hook) = try state.withLock { (state) throws(CallRefusal) in
            let isTracked = state.registrations.contains {
                $0.client == client && $0.event == event && $0.object == object
            }
            // As a real daemon has it, but for the monitor's.
            if isTracked, family != .monitor {
                throw CallRefusal(.invalidArg, "event callback already tracked")
            }
            let callback = state.nextCallbacks[family.callbackSpace, default: 0]
            state.nextCallbacks[family.callbackSpace] = callback + 1
            state.registrations.append(
                Registration(client: client, event: event, object: object, callback: callback))
            return (callback, state.whenRegistered)
        }
        hook?(event)
        return callback
    }

    private func deregister(
        _ family: FakeLibvirtd.EventFamily, _ callback: Int32, _ client: LinkServer.Client.ID
    ) throws(CallRefusal) -> XDRVoid {
        let isGone = state.withLock { state in
            let before = state.registrations.count
            state.registrations.removeAll {
                $0.client == client && $0.event.family == family && $0.callback == callback
            }
            return state.registrations.count < before
        }
        guard isGone else { throw CallRefusal(.invalidArg, "callback \(callback) is not known") }
        return XDRVoid()
    }
}

extension FakeLibvirtd {
    /// A family of events.
    public enum EventFamily: Hashable, Sendable {
        /// Of domains.
        case domain
        /// Of virtual networks.
        case network
        /// Of storage pools.
        case storagePool
        /// Of the host's devices.
        case nodeDevice
        /// Of secrets.
        case secret
        /// Of QEMU's monitors.
        case monitor

        /// Families with the same number count their callback ids together; all begin at 0.
        fileprivate var callbackSpace: Int {
            switch self {
            case .domain, .monitor: 0
            case .network: 1
            case .storagePool: 2
            case .nodeDevice: 3
            case .secret: 4
            }
        }
    }

    /// What a client asked for.
    public struct EventRegistration: Hashable, Sendable {
        /// The family of events.
        public let family: EventFamily
        /// The kind within its family.
        public let kind: Int32
        /// Which of the monitor's events; nil for all.
        public let filter: String?
        /// How the filter is meant: `VIR_CONNECT_DOMAIN_QEMU_MONITOR_EVENT_REGISTER_*`.
        public let flags: UInt32
    }

    /// How many registrations for events stand.
    public var registrationCount: Int { registered.registrations.count }

    /// What clients have registered for.
    public var registrations: [EventRegistration] { registered.registrations.map(\.event) }

    /// Does something when a registration stands and before its reply goes out: an event emitted
    /// then overtakes the reply, as it does with a real daemon at times.
    public func whenRegistered(_ body: @escaping @Sendable (EventRegistration) -> Void) {
        registered.whenRegistered(body)
    }

    /// Sends an event to every registration for its kind.
    ///
    /// - Parameters:
    ///   - kind: the number within the family, such as `virNetworkEventID.lifecycle.rawValue`.
    ///   - message: makes the message for the callback id of a registration.
    /// - Throws: `XDRError` when the message exceeds a limit of its declaration.
    public func emit<Message>(
        _ family: EventFamily, kind: Int32 = 0, _ event: XDRProcedure<Message, XDRVoid>,
        _ message: (_ callbackID: Int32) -> Message
    ) throws(XDRError) {
        for registration in registered.registrations
        where registration.event.family == family && registration.event.kind == kind {
            try link(of: registration.client)?.send(event: event, message(registration.callback))
        }
    }

    /// Sends an event of domains to every registration for its kind.
    ///
    /// - Parameter message: makes the message for the callback id of a registration.
    /// - Throws: `XDRError` when the message exceeds a limit of its declaration.
    public func emit<Message>(
        _ kind: virDomainEventID, _ event: XDRProcedure<Message, XDRVoid>,
        _ message: (_ callbackID: Int32) -> Message
    ) throws(XDRError) {
        try emit(.domain, kind: kind.rawValue, event, message)
    }

    /// Sends an event of a domain's lifecycle.
    public func emitLifecycle(
        of name: String, _ type: virDomainEventType, detail: Int32 = 0
    ) throws(XDRError) {
        let domain = remote_nonnull_domain(name: XDRString(name), uuid: remote_uuid(), id: -1)
        try emit(.lifecycle, Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE) { callback in
            remote_domain_event_callback_lifecycle_msg(
                callbackID: callback,
                msg: remote_domain_event_lifecycle_msg(
                    dom: domain, event: type.rawValue, detail: detail))
        }
    }

    /// Tells every client that the daemon has lost what it manages, as a proxy does.
    public func emitConnectionClosed(_ reason: virConnectCloseReason) throws(XDRError) {
        for link in links {
            try link.send(
                event: Remote.CONNECT_EVENT_CONNECTION_CLOSED, .init(reason: reason.rawValue))
        }
    }
}

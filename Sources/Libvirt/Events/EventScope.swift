internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// What the server is asked for with one registration: a kind of event, of one object or of all.
struct EventScope: Hashable, Sendable {
    let kind: EventKind
    /// Nil for all objects of the kind's family.
    let object: EventObject?
    /// Which of QEMU's events; for those alone.
    let filter: MonitorEventFilter?

    init(_ kind: EventKind, of object: EventObject? = nil, filter: MonitorEventFilter? = nil) {
        self.kind = kind
        self.object = object
        self.filter = filter
    }

    /// The same for all objects.
    var ofAll: EventScope { EventScope(kind, filter: filter) }
}

/// An object as the wire names it, told apart by what identifies it alone: its name may change.
enum EventObject: Hashable, Sendable {
    case domain(remote_nonnull_domain)
    case network(remote_nonnull_network)
    case storagePool(remote_nonnull_storage_pool)
    case nodeDevice(remote_nonnull_node_device)
    case secret(remote_nonnull_secret)

    private var identity: [UInt8] {
        switch self {
        case .domain(let raw): raw.uuid.bytes
        case .network(let raw): raw.uuid.bytes
        case .storagePool(let raw): raw.uuid.bytes
        case .nodeDevice(let raw): raw.name.bytes
        case .secret(let raw): raw.uuid.bytes
        }
    }

    static func == (left: Self, right: Self) -> Bool { left.identity == right.identity }

    func hash(into hasher: inout Hasher) { hasher.combine(identity) }

    fileprivate var domain: remote_nonnull_domain? {
        if case .domain(let raw) = self { raw } else { nil }
    }

    fileprivate var network: remote_nonnull_network? {
        if case .network(let raw) = self { raw } else { nil }
    }

    fileprivate var storagePool: remote_nonnull_storage_pool? {
        if case .storagePool(let raw) = self { raw } else { nil }
    }

    fileprivate var nodeDevice: remote_nonnull_node_device? {
        if case .nodeDevice(let raw) = self { raw } else { nil }
    }

    fileprivate var secret: remote_nonnull_secret? {
        if case .secret(let raw) = self { raw } else { nil }
    }
}

extension EventScope {
    /// The name of the procedure that registers.
    var registering: String {
        switch kind {
        case .domain: Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY.name
        case .network: Remote.CONNECT_NETWORK_EVENT_REGISTER_ANY.name
        case .storagePool: Remote.CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY.name
        case .nodeDevice: Remote.CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY.name
        case .secret: Remote.CONNECT_SECRET_EVENT_REGISTER_ANY.name
        case .monitor: Qemu.CONNECT_DOMAIN_MONITOR_EVENT_REGISTER.name
        }
    }

    /// Registers with the server, however long that takes, and gives the callback id.
    func register(on link: Link) async throws(RPCError) -> Int32 {
        switch kind {
        case .domain(let kind):
            try await link.call(
                Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
                .init(eventID: kind.rawValue, dom: object?.domain)
            ).callbackID
        case .network(let kind):
            try await link.call(
                Remote.CONNECT_NETWORK_EVENT_REGISTER_ANY,
                .init(eventID: kind.rawValue, net: object?.network)
            ).callbackID
        case .storagePool(let kind):
            try await link.call(
                Remote.CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY,
                .init(eventID: kind.rawValue, pool: object?.storagePool)
            ).callbackID
        case .nodeDevice(let kind):
            try await link.call(
                Remote.CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY,
                .init(eventID: kind.rawValue, dev: object?.nodeDevice)
            ).callbackID
        case .secret(let kind):
            try await link.call(
                Remote.CONNECT_SECRET_EVENT_REGISTER_ANY,
                .init(eventID: kind.rawValue, secret: object?.secret)
            ).callbackID
        case .monitor:
            try await link.call(
                Qemu.CONNECT_DOMAIN_MONITOR_EVENT_REGISTER,
                .init(
                    dom: object?.domain, event: (filter?.text).map { XDRString($0) },
                    flags: filter?.flags.rawValue ?? 0)
            ).callbackID
        }
    }

    /// Gives a registration back.
    func deregister(_ callback: Int32, on link: Link) async throws(RPCError) {
        switch kind {
        case .domain:
            _ = try await link.call(
                Remote.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY, .init(callbackID: callback))
        case .network:
            _ = try await link.call(
                Remote.CONNECT_NETWORK_EVENT_DEREGISTER_ANY, .init(callbackID: callback))
        case .storagePool:
            _ = try await link.call(
                Remote.CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY, .init(callbackID: callback))
        case .nodeDevice:
            _ = try await link.call(
                Remote.CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY, .init(callbackID: callback))
        case .secret:
            _ = try await link.call(
                Remote.CONNECT_SECRET_EVENT_DEREGISTER_ANY, .init(callbackID: callback))
        case .monitor:
            _ = try await link.call(
                Qemu.CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER, .init(callbackID: callback))
        }
    }
}

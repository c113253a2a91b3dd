public import LibvirtProtocol

/// Something that happened to one of libvirt's objects, of any family.
public enum LibvirtEvent: Sendable, Equatable {
    /// To a domain.
    case domain(DomainEvent)
    /// To a virtual network.
    case network(NetworkEvent)
    /// To a storage pool.
    case storagePool(StoragePoolEvent)
    /// To a device of the host.
    case nodeDevice(NodeDeviceEvent)
    /// To a secret.
    case secret(SecretEvent)
    /// QEMU's monitor said so.
    case monitor(MonitorEvent)

    /// The family, and what kind of event of that family.
    public var kind: EventKind {
        switch self {
        case .domain(let event): .domain(event.kind)
        case .network(let event): .network(event.kind)
        case .storagePool(let event): .storagePool(event.kind)
        case .nodeDevice(let event): .nodeDevice(event.kind)
        case .secret(let event): .secret(event.kind)
        case .monitor: .monitor
        }
    }
}

/// A kind of event, of any family.
public enum EventKind: Hashable, Sendable {
    /// Of a domain.
    case domain(virDomainEventID)
    /// Of a virtual network.
    case network(virNetworkEventID)
    /// Of a storage pool.
    case storagePool(virStoragePoolEventID)
    /// Of a device of the host.
    case nodeDevice(virNodeDeviceEventID)
    /// Of a secret.
    case secret(virSecretEventID)
    /// Of QEMU's monitor: all are of one kind, and told apart by their names.
    case monitor
}

/// Events that a subscription can deliver: those of one family, or ``LibvirtEvent`` for all.
public protocol SubscribedEvent: Sendable {
    /// How the events are told apart.
    associatedtype Kind: Hashable & Sendable
    /// The event as one of these; nil when it is of another family.
    init?(_ event: LibvirtEvent)
    /// The kind as one of these; nil when it is of another family.
    static func kind(_ kind: EventKind) -> Kind?
}

/// What a subscription delivers.
public enum EventNotice<Event: SubscribedEvent>: Sendable {
    /// An event.
    case event(Event)
    /// So many events came faster than they were read and are lost: read the whole state again.
    case lost(Int)
    /// An event came that could not be read; the text says why.
    case undecodable(Event.Kind, String)
}

extension EventNotice: Equatable where Event: Equatable {}

extension EventNotice {
    /// Nil for what is of another family.
    init?(_ notice: EventNotice<LibvirtEvent>) {
        switch notice {
        case .event(let any):
            guard let event = Event(any) else { return nil }
            self = .event(event)
        case .lost(let count): self = .lost(count)
        case .undecodable(let any, let problem):
            guard let kind = Event.kind(any) else { return nil }
            self = .undecodable(kind, problem)
        }
    }
}

extension LibvirtEvent: SubscribedEvent {
    /// Every event.
    public init?(_ event: LibvirtEvent) { self = event }

    /// Every kind.
    public static func kind(_ kind: EventKind) -> EventKind? { kind }
}

extension DomainEvent: SubscribedEvent {
    /// A domain's event.
    public init?(_ event: LibvirtEvent) {
        guard case .domain(let event) = event else { return nil }
        self = event
    }

    /// The kind of a domain's event.
    public static func kind(_ kind: EventKind) -> virDomainEventID? {
        if case .domain(let kind) = kind { kind } else { nil }
    }
}

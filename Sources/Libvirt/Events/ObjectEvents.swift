public import LibvirtProtocol
internal import XDR

/// Something that happened to a virtual network.
public struct NetworkEvent: Sendable, Equatable {
    /// What happened, by the kind of event.
    public enum Content: Sendable, Equatable {
        /// Defined, undefined, started or stopped; libvirt has no details yet.
        case lifecycle(virNetworkEventLifecycleType, detail: Int32)
        /// Metadata have changed: which sort, and for an element its namespace.
        case metadataChange(virNetworkMetadataType, namespace: String?)
    }

    /// The network's name at that moment.
    public let name: String
    /// The network's identity.
    public let uuid: LibvirtUUID
    /// The kind of event.
    public let kind: virNetworkEventID
    /// What happened.
    public let content: Content

    init(_ network: remote_nonnull_network, _ kind: virNetworkEventID, _ content: Content) {
        name = network.name.text
        uuid = LibvirtUUID(network.uuid)
        self.kind = kind
        self.content = content
    }
}

/// Something that happened to a storage pool.
public struct StoragePoolEvent: Sendable, Equatable {
    /// What happened, by the kind of event.
    public enum Content: Sendable, Equatable {
        /// Defined, undefined, started, stopped, created or deleted; libvirt has no details yet.
        case lifecycle(virStoragePoolEventLifecycleType, detail: Int32)
        /// The pool was looked through; its volumes may be others.
        case refresh
    }

    /// The pool's name at that moment.
    public let name: String
    /// The pool's identity.
    public let uuid: LibvirtUUID
    /// The kind of event.
    public let kind: virStoragePoolEventID
    /// What happened.
    public let content: Content

    init(_ pool: remote_nonnull_storage_pool, _ kind: virStoragePoolEventID, _ content: Content) {
        name = pool.name.text
        uuid = LibvirtUUID(pool.uuid)
        self.kind = kind
        self.content = content
    }
}

/// Something that happened to a device of the host.
public struct NodeDeviceEvent: Sendable, Equatable {
    /// What happened, by the kind of event.
    public enum Content: Sendable, Equatable {
        /// Created, deleted, defined or undefined; libvirt has no details yet.
        case lifecycle(virNodeDeviceEventLifecycleType, detail: Int32)
        /// The device's description is another.
        case update
    }

    /// The device's name, which is its identity.
    public let name: String
    /// The kind of event.
    public let kind: virNodeDeviceEventID
    /// What happened.
    public let content: Content

    init(_ device: remote_nonnull_node_device, _ kind: virNodeDeviceEventID, _ content: Content) {
        name = device.name.text
        self.kind = kind
        self.content = content
    }
}

/// Something that happened to a secret.
public struct SecretEvent: Sendable, Equatable {
    /// What happened, by the kind of event.
    public enum Content: Sendable, Equatable {
        /// Defined or undefined; libvirt has no details yet.
        case lifecycle(virSecretEventLifecycleType, detail: Int32)
        /// The secret has another value, which the event does not tell.
        case valueChanged
    }

    /// The secret's identity.
    public let uuid: LibvirtUUID
    /// What the secret is for.
    public let usageType: virSecretUsageType
    /// The name of what the secret is for, by its usage's type.
    public let usageID: String
    /// The kind of event.
    public let kind: virSecretEventID
    /// What happened.
    public let content: Content

    init(_ secret: remote_nonnull_secret, _ kind: virSecretEventID, _ content: Content) {
        uuid = LibvirtUUID(secret.uuid)
        usageType = virSecretUsageType(rawValue: secret.usageType)
        usageID = secret.usageID.text
        self.kind = kind
        self.content = content
    }
}

extension NetworkEvent: SubscribedEvent {
    /// A network's event.
    public init?(_ event: LibvirtEvent) {
        guard case .network(let event) = event else { return nil }
        self = event
    }

    /// The kind of a network's event.
    public static func kind(_ kind: EventKind) -> virNetworkEventID? {
        if case .network(let kind) = kind { kind } else { nil }
    }
}

extension StoragePoolEvent: SubscribedEvent {
    /// A storage pool's event.
    public init?(_ event: LibvirtEvent) {
        guard case .storagePool(let event) = event else { return nil }
        self = event
    }

    /// The kind of a storage pool's event.
    public static func kind(_ kind: EventKind) -> virStoragePoolEventID? {
        if case .storagePool(let kind) = kind { kind } else { nil }
    }
}

extension NodeDeviceEvent: SubscribedEvent {
    /// A node device's event.
    public init?(_ event: LibvirtEvent) {
        guard case .nodeDevice(let event) = event else { return nil }
        self = event
    }

    /// The kind of a node device's event.
    public static func kind(_ kind: EventKind) -> virNodeDeviceEventID? {
        if case .nodeDevice(let kind) = kind { kind } else { nil }
    }
}

extension SecretEvent: SubscribedEvent {
    /// A secret's event.
    public init?(_ event: LibvirtEvent) {
        guard case .secret(let event) = event else { return nil }
        self = event
    }

    /// The kind of a secret's event.
    public static func kind(_ kind: EventKind) -> virSecretEventID? {
        if case .secret(let kind) = kind { kind } else { nil }
    }
}

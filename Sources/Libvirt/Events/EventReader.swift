internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// How one kind of event is read from the wire.
struct EventReader: Sendable {
    let kind: EventKind
    let procedure: EventProcedure
    let read: @Sendable (IncomingEvent) throws(XDRError) -> (callback: Int32, event: LibvirtEvent)

    /// All kinds, by the procedure that brings them.
    static let byProcedure: [EventProcedure: EventReader] = Dictionary(
        uniqueKeysWithValues: (earlyDomainKinds + lateDomainKinds + objectKinds).map {
            ($0.procedure, $0)
        })

    /// Whether events of a kind can be read: a newer daemon has more than this library knows.
    static func canRead(_ kind: EventKind) -> Bool { kinds.contains(kind) }

    private static let kinds = Set(byProcedure.values.map(\.kind))

    /// A kind whose message is the procedure's own.
    init<Message>(
        _ kind: EventKind, _ procedure: XDRProcedure<Message, XDRVoid>,
        _ callback: @escaping @Sendable (Message) -> Int32,
        _ event: @escaping @Sendable (Message) -> LibvirtEvent
    ) {
        self.kind = kind
        self.procedure = EventProcedure(procedure)
        read = { (incoming) throws(XDRError) in
            let message = try incoming.message(of: procedure)
            return (callback(message), event(message))
        }
    }

    /// The callback id of an event whose rest cannot be read: every message begins with it.
    static func callback(of incoming: IncomingEvent) -> Int32? {
        try? XDR.decode(Int32.self, from: incoming.payload, ignoringTrailingBytes: true)
    }
}

/// The procedure that brings an event: numbers count anew in each program.
struct EventProcedure: Hashable, Sendable {
    let program: UInt32
    let number: Int32

    init<Message>(_ procedure: XDRProcedure<Message, XDRVoid>) {
        program = procedure.program
        number = procedure.number
    }

    init(_ incoming: IncomingEvent) {
        program = incoming.program
        number = incoming.procedure
    }
}

extension EventReader {
    /// The kinds of events of other objects than domains, and of QEMU's monitor.
    static let objectKinds: [EventReader] = [
        EventReader(
            .network(.lifecycle), Remote.NETWORK_EVENT_LIFECYCLE, \.callbackID
        ) {
            .network(
                NetworkEvent(
                    $0.net, .lifecycle,
                    .lifecycle(virNetworkEventLifecycleType(rawValue: $0.event), detail: $0.detail))
            )
        },
        EventReader(
            .network(.metadataChange), Remote.NETWORK_EVENT_CALLBACK_METADATA_CHANGE, \.callbackID
        ) {
            .network(
                NetworkEvent(
                    $0.net, .metadataChange,
                    .metadataChange(
                        virNetworkMetadataType(rawValue: $0.type), namespace: $0.nsuri?.text)))
        },
        EventReader(
            .storagePool(.lifecycle), Remote.STORAGE_POOL_EVENT_LIFECYCLE, \.callbackID
        ) {
            .storagePool(
                StoragePoolEvent(
                    $0.pool, .lifecycle,
                    .lifecycle(
                        virStoragePoolEventLifecycleType(rawValue: $0.event), detail: $0.detail)))
        },
        EventReader(.storagePool(.refresh), Remote.STORAGE_POOL_EVENT_REFRESH, \.callbackID) {
            .storagePool(StoragePoolEvent($0.pool, .refresh, .refresh))
        },
        EventReader(.nodeDevice(.lifecycle), Remote.NODE_DEVICE_EVENT_LIFECYCLE, \.callbackID) {
            .nodeDevice(
                NodeDeviceEvent(
                    $0.dev, .lifecycle,
                    .lifecycle(
                        virNodeDeviceEventLifecycleType(rawValue: $0.event), detail: $0.detail)))
        },
        EventReader(.nodeDevice(.update), Remote.NODE_DEVICE_EVENT_UPDATE, \.callbackID) {
            .nodeDevice(NodeDeviceEvent($0.dev, .update, .update))
        },
        EventReader(.secret(.lifecycle), Remote.SECRET_EVENT_LIFECYCLE, \.callbackID) {
            .secret(
                SecretEvent(
                    $0.secret, .lifecycle,
                    .lifecycle(virSecretEventLifecycleType(rawValue: $0.event), detail: $0.detail)))
        },
        EventReader(.secret(.valueChanged), Remote.SECRET_EVENT_VALUE_CHANGED, \.callbackID) {
            .secret(SecretEvent($0.secret, .valueChanged, .valueChanged))
        },
        EventReader(.monitor, Qemu.DOMAIN_MONITOR_EVENT, \.callbackID) {
            .monitor(MonitorEvent($0))
        },
    ]
}

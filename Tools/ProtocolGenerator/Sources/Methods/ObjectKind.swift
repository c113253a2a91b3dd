/// A kind of object that libvirt's functions act on, on the wire and in Swift.
struct ObjectKind: Hashable {
    /// The Swift type, which has `connection`, `raw` and `init(_ connection:, _ raw:)`.
    var type: String
    /// The wire's name behind `remote_nonnull_` and `remote_`.
    var wire: String
    /// What the functions' names begin with behind `vir`, the oldest first.
    var prefix: String

    /// The longer prefix before the shorter one that it begins with.
    static let all = [
        ObjectKind(type: "DomainSnapshot", wire: "domain_snapshot", prefix: "DomainSnapshot"),
        ObjectKind(type: "DomainCheckpoint", wire: "domain_checkpoint", prefix: "DomainCheckpoint"),
        ObjectKind(type: "Domain", wire: "domain", prefix: "Domain"),
        ObjectKind(type: "NetworkPort", wire: "network_port", prefix: "NetworkPort"),
        ObjectKind(type: "Network", wire: "network", prefix: "Network"),
        ObjectKind(type: "Interface", wire: "interface", prefix: "Interface"),
        ObjectKind(type: "StoragePool", wire: "storage_pool", prefix: "StoragePool"),
        ObjectKind(type: "StorageVolume", wire: "storage_vol", prefix: "StorageVol"),
        ObjectKind(type: "NodeDevice", wire: "node_device", prefix: "NodeDevice"),
        ObjectKind(type: "Secret", wire: "secret", prefix: "Secret"),
        ObjectKind(type: "NWFilterBinding", wire: "nwfilter_binding", prefix: "NWFilterBinding"),
        ObjectKind(type: "NWFilter", wire: "nwfilter", prefix: "NWFilter"),
    ]

    /// The kind of a type on the wire, and whether there may be none.
    static func named(_ wireType: String) -> (kind: ObjectKind, isOptional: Bool)? {
        for kind in all {
            if wireType == "remote_nonnull_" + kind.wire { return (kind, false) }
            if wireType == "remote_" + kind.wire { return (kind, true) }
        }
        return nil
    }

    /// The kind that a function's name tells of.
    static func ofFunction(_ name: String) -> ObjectKind? {
        all.first { name.hasPrefix("vir" + $0.prefix) }
    }
}

public import LibvirtProtocol
internal import XDR

/// A place that volumes are made from: a directory, a volume group.
///
/// Source: `virStoragePoolPtr`.
public struct StoragePool: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_storage_pool

    init(_ connection: Connection, _ raw: remote_nonnull_storage_pool) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virStoragePoolGetName`.
    public var name: String { raw.name.text }
    /// The identity. Source: `virStoragePoolGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
}

extension StoragePool: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

public import LibvirtProtocol
internal import XDR

/// A volume of a storage pool: a disk's content.
///
/// Source: `virStorageVolPtr`.
public struct StorageVolume: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_storage_vol

    init(_ connection: Connection, _ raw: remote_nonnull_storage_vol) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virStorageVolGetName`.
    public var name: String { raw.name.text }
    /// What tells it from every other volume: often its path. Source: `virStorageVolGetKey`.
    public var key: String { raw.key.text }
    /// The name of its pool. Source: `virStorageVolPtr`.
    public var poolName: String { raw.pool.text }
}

extension StorageVolume: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.key == right.raw.key
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.key) }
}

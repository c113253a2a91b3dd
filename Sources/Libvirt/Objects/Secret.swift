public import LibvirtProtocol
internal import XDR

/// A secret that the daemon keeps: a disk's passphrase, a key of Ceph's.
///
/// Source: `virSecretPtr`.
public struct Secret: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_secret

    init(_ connection: Connection, _ raw: remote_nonnull_secret) {
        self.connection = connection
        self.raw = raw
    }

    /// The identity. Source: `virSecretGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
    /// What it is for. Source: `virSecretGetUsageType`.
    public var usageType: virSecretUsageType { virSecretUsageType(rawValue: raw.usageType) }
    /// Whose it is: a path, a target's name. Source: `virSecretGetUsageID`.
    public var usageID: String { raw.usageID.text }
}

extension Secret: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

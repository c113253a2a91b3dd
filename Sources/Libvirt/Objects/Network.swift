public import LibvirtProtocol
internal import XDR

/// A virtual network: a name for it on a connection, not its state.
///
/// Source: `virNetworkPtr`.
public struct Network: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_network

    init(_ connection: Connection, _ raw: remote_nonnull_network) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virNetworkGetName`.
    public var name: String { raw.name.text }
    /// The identity. Source: `virNetworkGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
}

extension Network: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

public import LibvirtProtocol

/// What a domain's interface, or something else, has taken of a network.
///
/// Source: `virNetworkPortPtr`.
public struct NetworkPort: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_network_port

    init(_ connection: Connection, _ raw: remote_nonnull_network_port) {
        self.connection = connection
        self.raw = raw
    }

    /// The network. Source: `virNetworkPortGetNetwork`.
    public var network: Network { Network(connection, raw.net) }
    /// The identity. Source: `virNetworkPortGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
}

extension NetworkPort: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

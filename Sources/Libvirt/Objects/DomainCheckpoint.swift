public import LibvirtProtocol
internal import XDR

/// A point from which on a domain's changed blocks are known.
///
/// Source: `virDomainCheckpointPtr`.
public struct DomainCheckpoint: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_domain_checkpoint

    init(_ connection: Connection, _ raw: remote_nonnull_domain_checkpoint) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virDomainCheckpointGetName`.
    public var name: String { raw.name.text }
    /// The domain. Source: `virDomainCheckpointGetDomain`.
    public var domain: Domain { Domain(connection, raw.dom) }
}

extension DomainCheckpoint: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.domain == right.domain
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.name) }
}

public import LibvirtProtocol
internal import XDR

/// A state of a domain's that it can go back to.
///
/// Source: `virDomainSnapshotPtr`.
public struct DomainSnapshot: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_domain_snapshot

    init(_ connection: Connection, _ raw: remote_nonnull_domain_snapshot) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virDomainSnapshotGetName`.
    public var name: String { raw.name.text }
    /// The domain. Source: `virDomainSnapshotGetDomain`.
    public var domain: Domain { Domain(connection, raw.dom) }
}

extension DomainSnapshot: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.domain == right.domain
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.name) }
}

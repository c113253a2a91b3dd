public import LibvirtProtocol
internal import XDR

/// A set of rules for a domain's frames.
///
/// Source: `virNWFilterPtr`.
public struct NWFilter: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_nwfilter

    init(_ connection: Connection, _ raw: remote_nonnull_nwfilter) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virNWFilterGetName`.
    public var name: String { raw.name.text }
    /// The identity. Source: `virNWFilterGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
}

extension NWFilter: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

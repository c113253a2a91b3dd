public import LibvirtProtocol
internal import XDR

/// A device of the host's.
///
/// Source: `virNodeDevicePtr`.
public struct NodeDevice: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_node_device

    init(_ connection: Connection, _ raw: remote_nonnull_node_device) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virNodeDeviceGetName`.
    public var name: String { raw.name.text }
}

extension NodeDevice: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.name == right.raw.name
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.name) }
}

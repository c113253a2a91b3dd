public import LibvirtProtocol
internal import XDR

/// A network interface of the host's.
///
/// Source: `virInterfacePtr`.
public struct Interface: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_interface

    init(_ connection: Connection, _ raw: remote_nonnull_interface) {
        self.connection = connection
        self.raw = raw
    }

    /// The name. Source: `virInterfaceGetName`.
    public var name: String { raw.name.text }
    /// The hardware address, as text. Source: `virInterfaceGetMACString`.
    public var hardwareAddress: String { raw.mac.text }
}

extension Interface: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.name == right.raw.name
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.name) }
}

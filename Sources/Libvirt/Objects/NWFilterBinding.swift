public import LibvirtProtocol
internal import XDR

/// The use of a filter for one interface of a domain's.
///
/// Source: `virNWFilterBindingPtr`.
public struct NWFilterBinding: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_nwfilter_binding

    init(_ connection: Connection, _ raw: remote_nonnull_nwfilter_binding) {
        self.connection = connection
        self.raw = raw
    }

    /// The interface on the host. Source: `virNWFilterBindingGetPortDev`.
    public var portDevice: String { raw.portdev.text }
    /// The filter's name. Source: `virNWFilterBindingGetFilterName`.
    public var filterName: String { raw.filtername.text }
}

extension NWFilterBinding: Hashable {
    /// Whether both name the same one on the same connection.
    public static func == (left: Self, right: Self) -> Bool {
        left.connection === right.connection && left.raw.portdev == right.raw.portdev
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.portdev) }
}

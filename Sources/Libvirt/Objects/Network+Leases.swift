public import LibvirtProtocol
internal import XDR

/// An address that a network's DHCP server has given away. Source: `virNetworkDHCPLease`.
public struct DHCPLease: Hashable, Sendable {
    /// The network's interface on the host.
    public let interface: String
    /// When it ends, in seconds since 1970; 0 for never.
    public let expiryTime: Int64
    /// IPv4 or IPv6.
    public let type: virIPAddrType
    /// The hardware address of who has it.
    public let hardwareAddress: String?
    /// The identity association, of IPv6.
    public let identityAssociation: String?
    /// The address as text.
    public let address: String
    /// The network's prefix length, in bits.
    public let prefix: UInt32
    /// The name that its holder goes by.
    public let hostname: String?
    /// The client identifier or DUID.
    public let clientIdentifier: String?
}

extension Network {
    /// The addresses that are given away.
    ///
    /// - Parameter hardwareAddress: asks for those of one holder.
    ///
    /// Source: `virNetworkGetDHCPLeases`.
    public func dhcpLeases(
        hardwareAddress: String? = nil
    ) async throws(LibvirtError) -> [DHCPLease] {
        let result = try await connection.call(
            Remote.NETWORK_GET_DHCP_LEASES,
            remote_network_get_dhcp_leases_args(
                net: raw, mac: hardwareAddress.map { XDRString($0) }, need_results: 1, flags: 0))
        return result.leases.map {
            DHCPLease(
                interface: $0.iface.text, expiryTime: $0.expirytime,
                type: virIPAddrType(rawValue: $0.type),
                hardwareAddress: $0.mac?.text, identityAssociation: $0.iaid?.text,
                address: $0.ipaddr.text, prefix: $0.prefix, hostname: $0.hostname?.text,
                clientIdentifier: $0.clientid?.text)
        }
    }
}

public import LibvirtProtocol
internal import XDR

extension Network {
    /// Changes one part of the network: an address given away by DHCP, a DNS name, a port group.
    ///
    /// - Parameters:
    ///   - command: what to do with the part.
    ///   - section: which sort of part it is.
    ///   - parentIndex: in which of several parents, such as `<ip>`; -1 leaves that to the daemon.
    ///   - xml: the part.
    ///
    /// Source: `virNetworkUpdate`, since libvirt 0.10.2. Refused on a read-only connection.
    public func update(
        command: virNetworkUpdateCommand, section: virNetworkUpdateSection,
        parentIndex: Int32 = -1, xml: String, flags: virNetworkUpdateFlags = []
    ) async throws(LibvirtError) {
        // Older daemons take the one for the other, so they are told the one for the other.
        let isInOrder = connection.features.contains(.networkUpdateOrder)
        let numbers = [command.rawValue, section.rawValue].map { UInt32(bitPattern: $0) }
        _ = try await connection.call(
            Remote.NETWORK_UPDATE,
            remote_network_update_args(
                net: raw, command: numbers[isInOrder ? 0 : 1],
                section: numbers[isInOrder ? 1 : 0], parentIndex: parentIndex,
                xml: XDRString(xml), flags: flags.rawValue))
    }
}

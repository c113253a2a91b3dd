public import LibvirtProtocol
internal import XDR

/// A virtual processor. Source: `virVcpuInfo`.
public struct VirtualProcessor: Hashable, Sendable {
    /// Its number.
    public let number: UInt32
    /// Whether it runs.
    public let state: virVcpuState
    /// The time that it has used, in nanoseconds.
    public let time: UInt64
    /// The host's processor that it runs on; -1 or -2 where that is not known.
    public let hostProcessor: Int32
    /// The host's processors that it may run on: one bit each, the lowest first.
    public let affinity: [UInt8]
}

/// A file system that is mounted in the guest. Source: `virDomainFSInfo`.
public struct GuestFileSystem: Hashable, Sendable {
    /// Where it is mounted.
    public let mountPoint: String
    /// The guest's name of its device.
    public let name: String
    /// Its type, such as `ext4`.
    public let type: String
    /// The domain's disks that it lies on, by their aliases.
    public let deviceAliases: [String]
}

/// A network interface, as seen by what was asked for it. Source: `virDomainInterface`.
public struct GuestInterface: Hashable, Sendable {
    /// An address. Source: `virDomainIPAddress`.
    public struct Address: Hashable, Sendable {
        /// IPv4 or IPv6.
        public let type: virIPAddrType
        /// The address as text.
        public let address: String
        /// The network's prefix length, in bits.
        public let prefix: UInt32
    }

    /// The interface's name.
    public let name: String
    /// The hardware address as text, where it is known.
    public let hardwareAddress: String?
    /// Its addresses.
    public let addresses: [Address]
}

extension Domain {
    /// The virtual processors of an active domain. Source: `virDomainGetVcpus`.
    public func vcpus() async throws(LibvirtError) -> [VirtualProcessor] {
        let count = try await maxVcpus()
        let mapLength = (try await connection.nodeInfo().possibleProcessorCount + 7) / 8
        let result = try await call(
            Remote.DOMAIN_GET_VCPUS,
            remote_domain_get_vcpus_args(dom: raw, maxinfo: count, maplen: Int32(mapLength)))
        return result.info.enumerated().map { index, info in
            VirtualProcessor(
                number: info.number, state: virVcpuState(rawValue: info.state),
                time: info.cpu_time, hostProcessor: info.cpu,
                affinity: [UInt8](result.cpumaps.dropFirst(index * mapLength).prefix(mapLength)))
        }
    }

    /// The file systems that are mounted in the guest, asked of its agent. Source: `virDomainGetFSInfo`.
    public func fsInfo() async throws(LibvirtError) -> [GuestFileSystem] {
        let result = try await call(
            Remote.DOMAIN_GET_FSINFO, remote_domain_get_fsinfo_args(dom: raw, flags: 0))
        return result.info.map {
            GuestFileSystem(
                mountPoint: $0.mountpoint.text, name: $0.name.text, type: $0.fstype.text,
                deviceAliases: $0.dev_aliases.map(\.text))
        }
    }

    /// The guest's interfaces and their addresses.
    ///
    /// - Parameter source: who is asked: the DHCP server, the guest's agent, or the host's ARP table.
    ///
    /// Source: `virDomainInterfaceAddresses`.
    public func interfaceAddresses(
        source: virDomainInterfaceAddressesSource = .lease
    ) async throws(LibvirtError) -> [GuestInterface] {
        let result = try await call(
            Remote.DOMAIN_INTERFACE_ADDRESSES,
            remote_domain_interface_addresses_args(
                dom: raw, source: UInt32(bitPattern: source.rawValue), flags: 0))
        return result.ifaces.map { interface in
            GuestInterface(
                name: interface.name.text, hardwareAddress: interface.hwaddr?.text,
                addresses: interface.addrs.map {
                    GuestInterface.Address(
                        type: virIPAddrType(rawValue: $0.type), address: $0.addr.text,
                        prefix: $0.prefix)
                })
        }
    }
}

extension NodeInfo {
    /// As many as a map of processors can have on the wire: 2048 bytes of them.
    static let mostProcessors = 2048 * 8

    /// Every processor that the host could have, active or not: libvirt's `VIR_NODEINFO_MAXCPUS`. A
    /// daemon may say anything: it is never negative, nor more than a map can have.
    var possibleProcessorCount: Int {
        [nodeCount, socketCount, coreCount, threadCount].reduce(1) { product, count in
            // Both are 32-bit numbers at most.
            min(product * max(count, 0), Self.mostProcessors)
        }
    }
}

import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@testable import Libvirt

@Suite("Methods written by hand, over a wire", .timeLimit(.minutes(4)))
struct HandWrittenMethodTests {
    @Test(
        "arguments arrive as they were given, and results return as they were sent",
        arguments: [true, false])
    func exchanges(isEmpty: Bool) async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            for method in HandWritten.all {
                let rig = MethodRig(daemon, connection, method.function, isEmpty: isEmpty)
                do {
                    try await method.run(rig)
                } catch {
                    Issue.record("\(method.function): \(error)")
                }
                #expect(rig.comparisons > 1, "\(method.function)")
            }
            await connection.close()
        }
    }

    @Test("a binding tells whose filter it is, and a daemon's client who it is")
    func whose() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            daemon.serve(Remote.NWFILTER_BINDING_LOOKUP_BY_PORT_DEV) { arguments in
                .init(nwfilter: .init(portdev: arguments.name, filtername: XDRString("clean")))
            }
            let binding = try await connection.lookUpNWFilterBinding(name: "vnet0")
            #expect(binding.portDevice == "vnet0" && binding.filterName == "clean")
            await connection.close()
        }
        let far = AdminClientInfo([
            "readonly": .boolean(true), "sock_addr": .string("192.0.2.1:51000"),
            "tls_x509_dname": .string("CN=fred"), "selinux_context": .string("system_u:object_r"),
        ])
        #expect(far.isReadOnly && far.socketAddress == "192.0.2.1:51000")
        #expect(far.distinguishedName == "CN=fred" && far.selinuxContext == "system_u:object_r")
    }

    @Test("of two values under one name the first one counts")
    func twice() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let domain = Domain(
                connection, remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1))
            daemon.serve(Remote.DOMAIN_MEMORY_STATS) { _ in
                .init(stats: [.init(tag: 4, val: 1), .init(tag: 4, val: 2), .init(tag: 99, val: 3)])
            }
            let stats = try await domain.memoryStats()
            // VIR_DOMAIN_MEMORY_STAT_UNUSED is 4; 99 is nobody's yet.
            #expect(stats == [.unused: 1, virDomainMemoryStatTags(rawValue: 99): 3])
            daemon.serve(Remote.DOMAIN_GET_DISK_ERRORS) { _ in
                let errors: [remote_domain_disk_error] = [
                    .init(disk: "vda", error: 2), .init(disk: "vda", error: 1),
                ]
                return .init(errors: errors, nerrors: 2)
            }
            let errors = try await domain.diskErrors()
            #expect(errors == ["vda": .noSpace])
            await connection.close()
        }
    }

    @Test("a UNIX socket hides nothing and is safe all the same, if the daemon says so too")
    func secureSocket() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            for isSecure in [true, false] {
                daemon.serve(Remote.CONNECT_IS_SECURE) { _ in .init(secure: isSecure ? 1 : 0) }
                let answer = try await connection.isSecure()
                let isEncrypted = try await connection.isEncrypted()
                #expect(answer == isSecure && !isEncrypted)
            }
            await connection.close()
        }
    }

    @Test("what passes over a network in the clear is not safe, whatever the daemon says")
    func secureNetwork() async throws {
        try await NetworkPeer.with { table in
            table.serve(Remote.CONNECT_IS_SECURE) { _ in .init(secure: 1) }
        } _: { peer in
            let connection = try await Connection.open(peer.uri)
            let answer = try await connection.isSecure()
            let isEncrypted = try await connection.isEncrypted()
            #expect(!isEncrypted && !answer)
            await connection.close()
        }
    }
}

/// Calls as of ``MethodCases``, whose results take more than to be passed on.
private enum HandWritten {
    static let all = [
        MethodCase("virDomainGetSecurityLabel", securityLabel),
        MethodCase("virDomainGetSecurityLabelList", securityLabels),
        MethodCase("virDomainMemoryStats", memoryStats),
        MethodCase("virDomainGetDiskErrors", diskErrors),
        MethodCase("virDomainGetIOThreadInfo", ioThreadInfo),
        MethodCase("virDomainGetFSInfo", fsInfo),
        MethodCase("virDomainInterfaceAddresses", interfaceAddresses),
        MethodCase("virNetworkGetDHCPLeases", dhcpLeases),
        MethodCase("virNodeGetSecurityModel", nodeSecurityModel),
    ]

    /// Two, or none.
    private static func some<Value>(_ rig: MethodRig, _ make: () -> Value) -> [Value] {
        rig.isEmpty ? [] : [make(), make()]
    }

    /// A field of C characters: what stands behind the NUL is nobody's.
    private static func characters(_ text: String) -> [UInt8] { Array(text.utf8) + [0, 0x78] }

    static func securityLabel(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let label: String = rig.next()
        let result = remote_domain_get_security_label_ret(
            label: characters(label), enforcing: rig.next())
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_GET_SECURITY_LABEL, result
        ) { try await domain.securityLabel() }
        let expected = remote_domain_get_security_label_args(dom: domain.raw)
        rig.compare(received, expected)
        rig.compare(returned.label, label)
        rig.compare(returned.isEnforced, !rig.isEmpty)
    }

    static func securityLabels(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let labels: [String] = rig.next()
        let raw = labels.enumerated().map { index, label in
            remote_domain_get_security_label_ret(
                label: characters(label), enforcing: Int32(index))
        }
        let result = remote_domain_get_security_label_list_ret(
            labels: raw, ret: Int32(raw.count))
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_GET_SECURITY_LABEL_LIST, result
        ) { try await domain.securityLabels() }
        let expected = remote_domain_get_security_label_list_args(dom: domain.raw)
        rig.compare(received, expected)
        rig.compare(returned.map(\.label), labels)
        rig.compare(returned.map(\.isEnforced), rig.isEmpty ? [] : [false, true])
    }

    static func memoryStats(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let stats = some(rig) { remote_domain_memory_stat(tag: rig.next(), val: rig.next()) }
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_MEMORY_STATS, remote_domain_memory_stats_ret(stats: stats)
        ) { try await domain.memoryStats() }
        // VIR_DOMAIN_MEMORY_STAT_NR is far less than what the wire has room for.
        let expected = remote_domain_memory_stats_args(dom: domain.raw, maxStats: 1024, flags: 0)
        rig.compare(received, expected)
        rig.compare(returned.count, stats.count)
        for stat in stats {
            rig.compare(returned[virDomainMemoryStatTags(rawValue: stat.tag)], stat.val)
        }
    }

    static func diskErrors(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let errors = some(rig) { remote_domain_disk_error(disk: rig.next(), error: rig.next()) }
        let result = remote_domain_get_disk_errors_ret(
            errors: errors, nerrors: Int32(errors.count))
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_GET_DISK_ERRORS, result
        ) { try await domain.diskErrors() }
        let expected = remote_domain_get_disk_errors_args(
            dom: domain.raw, maxerrors: 256, flags: 0)
        rig.compare(received, expected)
        rig.compare(returned.count, errors.count)
        for error in errors {
            rig.compare(
                returned[error.disk.text], virDomainDiskErrorCode(rawValue: error.error))
        }
    }

    static func ioThreadInfo(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let flags: virDomainModificationImpact = rig.flags()
        let threads = some(rig) {
            remote_domain_iothread_info(iothread_id: rig.next(), cpumap: rig.next())
        }
        let result = remote_domain_get_iothread_info_ret(
            info: threads, ret: UInt32(threads.count))
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_GET_IOTHREAD_INFO, result
        ) { try await domain.ioThreadInfo(flags: flags) }
        let expected = remote_domain_get_iothread_info_args(
            dom: domain.raw, flags: flags.rawValue)
        rig.compare(received, expected)
        rig.compare(returned.map(\.id), threads.map(\.iothread_id))
        rig.compare(returned.map(\.affinity), threads.map(\.cpumap))
    }

    static func fsInfo(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let systems = some(rig) {
            remote_domain_fsinfo(
                mountpoint: rig.next(), name: rig.next(), fstype: rig.next(),
                dev_aliases: rig.next())
        }
        let result = remote_domain_get_fsinfo_ret(info: systems, ret: UInt32(systems.count))
        let (received, returned) = try await rig.exchange(Remote.DOMAIN_GET_FSINFO, result) {
            try await domain.fsInfo()
        }
        let expected = remote_domain_get_fsinfo_args(dom: domain.raw, flags: 0)
        rig.compare(received, expected)
        let expectedSystems = systems.map {
            GuestFileSystem(
                mountPoint: $0.mountpoint.text, name: $0.name.text, type: $0.fstype.text,
                deviceAliases: $0.dev_aliases.map(\.text))
        }
        rig.compare(returned, expectedSystems)
    }

    static func interfaceAddresses(_ rig: MethodRig) async throws {
        let domain = Domain(rig.connection, rig.next())
        let source: virDomainInterfaceAddressesSource = rig.value()
        // Of one the hardware address is not known.
        var hardwareAddresses: [XDRString?] = [nil, rig.next()]
        let interfaces = some(rig) {
            remote_domain_interface(
                name: rig.next(), hwaddr: hardwareAddresses.removeLast(),
                addrs: some(rig) {
                    remote_domain_ip_addr(type: rig.next(), addr: rig.next(), prefix: rig.next())
                })
        }
        let (received, returned) = try await rig.exchange(
            Remote.DOMAIN_INTERFACE_ADDRESSES,
            remote_domain_interface_addresses_ret(ifaces: interfaces)
        ) { try await domain.interfaceAddresses(source: source) }
        let expected = remote_domain_interface_addresses_args(
            dom: domain.raw, source: UInt32(source.rawValue), flags: 0)
        rig.compare(received, expected)
        rig.compare(returned.map(\.name), interfaces.map(\.name.text))
        rig.compare(returned.map(\.hardwareAddress), interfaces.map { $0.hwaddr?.text })
        let expectedAddresses = interfaces.map { interface in
            interface.addrs.map {
                GuestInterface.Address(
                    type: virIPAddrType(rawValue: $0.type), address: $0.addr.text,
                    prefix: $0.prefix)
            }
        }
        rig.compare(returned.map(\.addresses), expectedAddresses)
    }

    static func dhcpLeases(_ rig: MethodRig) async throws {
        let network = Network(rig.connection, rig.next())
        let holder: String? = rig.next()
        let leases = some(rig) {
            remote_network_dhcp_lease(
                iface: rig.next(), expirytime: rig.next(), type: rig.next(), mac: rig.next(),
                iaid: rig.next(), ipaddr: rig.next(), prefix: rig.next(), hostname: nil,
                clientid: rig.next())
        }
        let result = remote_network_get_dhcp_leases_ret(
            leases: leases, ret: UInt32(leases.count))
        let (received, returned) = try await rig.exchange(
            Remote.NETWORK_GET_DHCP_LEASES, result
        ) { try await network.dhcpLeases(hardwareAddress: holder) }
        let expected = remote_network_get_dhcp_leases_args(
            net: network.raw, mac: holder.map { XDRString($0) }, need_results: 1, flags: 0)
        rig.compare(received, expected)
        let expectedLeases = leases.map {
            DHCPLease(
                interface: $0.iface.text, expiryTime: $0.expirytime,
                type: virIPAddrType(rawValue: $0.type), hardwareAddress: $0.mac?.text,
                identityAssociation: $0.iaid?.text, address: $0.ipaddr.text, prefix: $0.prefix,
                hostname: nil, clientIdentifier: $0.clientid?.text)
        }
        rig.compare(returned, expectedLeases)
    }

    static func nodeSecurityModel(_ rig: MethodRig) async throws {
        let (model, domain): (String, String) = (rig.next(), rig.next())
        let result = remote_node_get_security_model_ret(
            model: characters(model), doi: characters(domain))
        let (received, returned) = try await rig.exchange(
            Remote.NODE_GET_SECURITY_MODEL, result
        ) { try await rig.connection.nodeSecurityModel() }
        rig.compare(received != nil, true)
        rig.compare(
            returned, SecurityModel(model: model, domainOfInterpretation: domain))
    }
}

import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Synchronization
import Testing
import XDR

/// What the generated methods say on the wire, and what they make of the reply.
@Suite("Generated methods, on the wire", .timeLimit(.minutes(2)))
struct GeneratedMethodTests {
    private let domain = remote_nonnull_domain(name: "vm", uuid: remote_uuid(), id: 1)

    private func withDomain(
        _ body: (FakeLibvirtd, Domain) async throws -> Void
    ) async throws {
        try await withFake { daemon in
            let raw = domain
            daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: raw) }
            let connection = try await Connection.open(daemon.uri)
            try await body(daemon, connection.lookUpDomain(name: "vm"))
            await connection.close()
        }
    }

    @Test("a getter asks for parameters of type string where the server knows of them")
    func strings() async throws {
        for isKnown in [true, false] {
            try await withFake { daemon in
                let raw = domain
                daemon.serve(Remote.CONNECT_SUPPORTS_FEATURE) { arguments in
                    .init(supported: arguments.feature == 9 && isKnown ? 1 : 0)
                }
                daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { _ in .init(dom: raw) }
                daemon.serve(Remote.DOMAIN_GET_NUMA_PARAMETERS) { arguments in
                    let said = remote_typed_param(field: "flags", value: .ui(arguments.flags))
                    let most = remote_typed_param(field: "most", value: .i(arguments.nparams))
                    return .init(params: [said, most], nparams: 2)
                }
                let connection = try await Connection.open(daemon.uri)
                let domain = try await connection.lookUpDomain(name: "vm")
                let parameters = try await domain.numaParameters(flags: .live)
                // VIR_TYPED_PARAM_STRING_OKAY is 4, VIR_DOMAIN_AFFECT_LIVE is 1.
                #expect(parameters["flags"] == .unsignedInt(isKnown ? 5 : 1))
                #expect(parameters["most"] == .int(16))
                await connection.close()
            }
        }
    }

    @Test("a string parameter that is no text goes back as it came")
    func bytes() async throws {
        try await withDomain { daemon, domain in
            let odd = XDRString(bytes: [0x66, 0xFF])
            daemon.serve(Remote.DOMAIN_GET_NUMA_PARAMETERS) { _ in
                .init(params: [.init(field: "numa_nodeset", value: .s(odd))], nparams: 1)
            }
            daemon.serve(Remote.DOMAIN_SET_NUMA_PARAMETERS) { arguments throws(CallRefusal) in
                #expect(arguments.params.first?.value == .s(odd))
                return XDRVoid()
            }
            let parameters = try await domain.numaParameters()
            #expect(parameters["numa_nodeset"] == .bytes([0x66, 0xFF]))
            try await domain.setNumaParameters(params: parameters)
        }
    }

    @Test("optional strings, truth values and several results find their places")
    func shapes() async throws {
        try await withDomain { daemon, domain in
            daemon.serve(Remote.DOMAIN_SET_AUTOSTART) { arguments throws(CallRefusal) in
                #expect(arguments.autostart == 1)
                return XDRVoid()
            }
            try await domain.setAutostart(true)
            daemon.serve(Remote.DOMAIN_SAVE_FLAGS) { arguments throws(CallRefusal) in
                #expect(arguments.to == "/x")
                #expect(arguments.dxml == nil)
                return XDRVoid()
            }
            try await domain.save(to: "/x")
            daemon.serve(Remote.DOMAIN_GET_BLOCK_INFO) { _ in
                .init(allocation: 1, capacity: 2, physical: 3)
            }
            let info = try await domain.blockInfo(path: "vda")
            #expect(info.allocation == 1)
            #expect(info.capacity == 2)
            #expect(info.physical == 3)
        }
    }

    @Test("statistics of many domains come with their domains")
    func stats() async throws {
        try await withDomain { daemon, domain in
            let raw = self.domain
            daemon.serve(Remote.CONNECT_GET_ALL_DOMAIN_STATS) { arguments in
                let value = remote_typed_param(field: "cpu.time", value: .ul(7))
                return .init(
                    retStats: arguments.doms.isEmpty ? [] : [.init(dom: raw, params: [value])])
            }
            let all = try await domain.connection.allDomainStats(of: [domain], .cpuTotal)
            #expect(all.map(\.domain) == [domain])
            #expect(all.first?.parameters["cpu.time"] == .unsignedLongLong(7))
        }
    }

    @Test("a network's update is said in the order that the daemon understands")
    func networkUpdate() async throws {
        for isInOrder in [true, false] {
            try await withFake { daemon in
                daemon.serve(Remote.CONNECT_SUPPORTS_FEATURE) { arguments in
                    .init(supported: arguments.feature == 16 && isInOrder ? 1 : 0)
                }
                daemon.serve(Remote.NETWORK_LOOKUP_BY_NAME) { arguments in
                    .init(net: .init(name: arguments.name, uuid: remote_uuid()))
                }
                let said = Mutex<[UInt32]>([])
                daemon.serve(Remote.NETWORK_UPDATE) { arguments in
                    said.withLock { $0 = [arguments.command, arguments.section] }
                    return XDRVoid()
                }
                let connection = try await Connection.open(daemon.uri)
                let network = try await connection.lookUpNetwork(name: "net")
                try await network.update(command: .addLast, section: .ipDhcpHost, xml: "<host/>")
                // VIR_NETWORK_UPDATE_COMMAND_ADD_LAST is 3, VIR_NETWORK_SECTION_IP_DHCP_HOST is 4.
                #expect(said.withLock(\.self) == (isInOrder ? [3, 4] : [4, 3]))
                await connection.close()
            }
        }
    }
}

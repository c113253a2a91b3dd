import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import Testing
import XDR

@Suite("What processors and memory have been used for") struct ProcessorTests {
    /// A host of 300 processors, two values for each, that takes no more than libvirt's daemon does.
    /// Source: `remote_daemon_dispatch.c`, remoteDispatchDomainGetCPUStats.
    private static func answer(
        _ asked: remote_domain_get_cpu_stats_args
    ) throws(CallRefusal) -> remote_domain_get_cpu_stats_ret {
        guard asked.nparams <= 16, asked.ncpus <= 128 else {
            throw CallRefusal(.internalError, "nparams too large", domain: .remote)
        }
        let width: Int32 = asked.start_cpu < 0 ? 3 : 2
        if asked.nparams == 0 {
            return .init(params: [], nparams: asked.ncpus == 0 ? 300 : width)
        }
        let last = min(asked.start_cpu + Int32(asked.ncpus), 300)
        let params = (asked.start_cpu..<max(last, asked.start_cpu)).flatMap { number in
            (0..<width).map { index in
                remote_typed_param(
                    field: XDRString("value\(index)"), value: .ul(UInt64(number + 1)))
            }
        }
        return .init(params: params, nparams: width)
    }

    @Test("a domain's use of each processor, in as many calls as it takes")
    func domain() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_GET_CPU_STATS) { (asked) throws(CallRefusal) in
                try Self.answer(asked)
            }
            let connection = try await Connection.open(daemon.uri)
            let uuid = try #require(LibvirtUUID(String(repeating: "1", count: 32)))
            let domain = Domain(uuid, name: "vm", on: connection)
            let total = try await domain.totalCPUStats()
            #expect(total.map(\.name) == ["value0", "value1", "value2"])
            let all = try await domain.cpuStats()
            #expect(all.count == 300 && all.allSatisfy { $0.count == 2 })
            #expect(all.map { $0["value1"]?.integer } == (1...300).map { $0 })
            let some = try await domain.cpuStats(startCpu: 250, ncpus: 100)
            #expect(some.first?["value0"] == .unsignedLongLong(251) && some.count == 50)
            #expect(try await domain.cpuStats(startCpu: 3, ncpus: 0).isEmpty)
            await connection.close()
        }
    }

    @Test("a daemon that boasts of processors is asked no more often than a host can have some")
    func boasting() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_GET_CPU_STATS) { asked in
                .init(params: [], nparams: asked.ncpus == 0 ? .max : 1)
            }
            let connection = try await Connection.open(daemon.uri)
            let uuid = try #require(LibvirtUUID(String(repeating: "1", count: 32)))
            #expect(try await Domain(uuid, name: "vm", on: connection).cpuStats().isEmpty)
            // 16,384 processors at 128 a call, behind the two questions how many.
            #expect(daemon.calls.count { $0 == Remote.DOMAIN_GET_CPU_STATS.name } == 130)
            await connection.close()
        }
    }

    @Test("a QEMU daemon tells of the host, which wants to be asked for neither more nor less")
    func host() async throws {
        try await withDaemon { daemon in
            let connection = try await Connection.open(daemon.uri("qemu", "/system"))
            let times = try await connection.nodeCPUStats()
            #expect((times["kernel"] ?? 0) > 0 && times["idle"] != nil, "\(times)")
            #expect(try await connection.nodeCPUStats(processor: 0).keys.contains("user"))
            let memory = try await connection.nodeMemoryStats()
            #expect((memory["total"] ?? 0) > (memory["free"] ?? .max), "\(memory)")
            await connection.close()
        }
    }
}

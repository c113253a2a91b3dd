public import LibvirtProtocol
internal import XDR

/// What the host has. Source: `virNodeInfo`.
public struct NodeInfo: Hashable, Sendable {
    /// The processors' model, such as `x86_64`.
    public let model: String
    /// The memory, in KiB.
    public let memory: UInt64
    /// How many processors are active.
    public let processorCount: Int
    /// The processors' speed in MHz; 0 where it is not known.
    public let megahertz: Int
    /// NUMA cells.
    public let nodeCount: Int
    /// Sockets in each cell.
    public let socketCount: Int
    /// Cores in each socket.
    public let coreCount: Int
    /// Threads in each core.
    public let threadCount: Int
}

/// How the host keeps domains apart. Source: `virSecurityModel`.
public struct SecurityModel: Hashable, Sendable {
    /// The model's name: `selinux`, `apparmor`, or empty.
    public let model: String
    /// Its domain of interpretation.
    public let domainOfInterpretation: String
}

/// What is known of one domain. Source: `virDomainStatsRecord`.
public struct DomainStats: Hashable, Sendable {
    /// The domain.
    public let domain: Domain
    /// The values, under libvirt's names such as `cpu.time`.
    public let parameters: TypedParameters
}

extension Connection {
    /// What the host has. Source: `virNodeGetInfo`.
    public func nodeInfo() async throws(LibvirtError) -> NodeInfo {
        let raw = try await call(Remote.NODE_GET_INFO, XDRVoid())
        return NodeInfo(
            model: text(raw.model), memory: raw.memory, processorCount: Int(raw.cpus),
            megahertz: Int(raw.mhz), nodeCount: Int(raw.nodes), socketCount: Int(raw.sockets),
            coreCount: Int(raw.cores), threadCount: Int(raw.threads))
    }

    /// How the host keeps domains apart. Source: `virNodeGetSecurityModel`.
    public func nodeSecurityModel() async throws(LibvirtError) -> SecurityModel {
        let raw = try await call(Remote.NODE_GET_SECURITY_MODEL, XDRVoid())
        return SecurityModel(model: text(raw.model), domainOfInterpretation: text(raw.doi))
    }

    /// The host's processor times in nanoseconds, by what they were spent on: `kernel`, `idle`.
    ///
    /// - Parameter processor: its number; nil for all together.
    ///
    /// Source: `virNodeGetCPUStats`.
    public func nodeCPUStats(
        processor: Int32? = nil
    ) async throws(LibvirtError) -> [String: UInt64] {
        // A daemon wants to be asked for exactly as many values as it has.
        var arguments = remote_node_get_cpu_stats_args(
            cpuNum: processor ?? -1, nparams: 0, flags: 0)
        arguments.nparams = try await call(Remote.NODE_GET_CPU_STATS, arguments).nparams
        let result = try await call(Remote.NODE_GET_CPU_STATS, arguments)
        return Dictionary(result.params.map { ($0.field.text, $0.value) }) { first, _ in first }
    }

    /// The host's memory in KiB, by its use: `total`, `free`.
    ///
    /// - Parameter cell: a NUMA cell's number; nil for all together.
    ///
    /// Source: `virNodeGetMemoryStats`.
    public func nodeMemoryStats(
        cell: Int32? = nil
    ) async throws(LibvirtError) -> [String: UInt64] {
        var arguments = remote_node_get_memory_stats_args(
            nparams: 0, cellNum: cell ?? -1, flags: 0)
        arguments.nparams = try await call(Remote.NODE_GET_MEMORY_STATS, arguments).nparams
        let result = try await call(Remote.NODE_GET_MEMORY_STATS, arguments)
        return Dictionary(result.params.map { ($0.field.text, $0.value) }) { first, _ in first }
    }

    /// What is known of many domains, in one call.
    ///
    /// - Parameters:
    ///   - domains: which; none asks for all that the flags choose.
    ///   - stats: which groups of values; none asks for all that the server has.
    ///
    /// Source: `virConnectGetAllDomainStats`, `virDomainListGetStats`.
    public func allDomainStats(
        of domains: [Domain] = [], _ stats: virDomainStatsTypes = [],
        flags: virConnectGetAllDomainStatsFlags = []
    ) async throws(LibvirtError) -> [DomainStats] {
        let result = try await call(
            Remote.CONNECT_GET_ALL_DOMAIN_STATS,
            remote_connect_get_all_domain_stats_args(
                doms: domains.map(\.raw), stats: UInt32(stats.rawValue), flags: flags.rawValue))
        return result.retStats.map {
            DomainStats(domain: Domain(self, $0.dom), parameters: TypedParameters($0.params))
        }
    }
}

/// The text of a field of C characters: what stands before the first NUL.
func text(_ characters: [UInt8]) -> String {
    String(decoding: characters.prefix { $0 != 0 }, as: UTF8.self)
}

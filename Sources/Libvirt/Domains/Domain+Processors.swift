public import LibvirtProtocol
internal import XDR

extension Domain {
    /// What of the host's processors the domain has used in all: `cpu_time`, `user_time`, `system_time`, in
    /// nanoseconds.
    ///
    /// - Throws: `LibvirtError`; `operationInvalid` for a domain that is not active.
    ///
    /// Source: `virDomainGetCPUStats` with the processor -1.
    public func totalCPUStats(
        flags: virTypedParameterFlags = []
    ) async throws(LibvirtError) -> TypedParameters {
        let width = try await cpuStats(nparams: 0, -1, 1, flags).count
        return try await cpuStats(width: width, -1, 1, flags).first ?? [:]
    }

    /// What of each of the host's processors the domain has used: `cpu_time`, `vcpu_time`, in nanoseconds.
    ///
    /// - Parameters:
    ///   - startCpu: the number of the first processor that is asked about.
    ///   - ncpus: how many are asked about; nil for all from the first on.
    /// - Returns: an element for each of the host's processors, in order; processors at the end that have
    ///   nothing to say may be missing.
    /// - Throws: `LibvirtError`; `operationInvalid` for a domain that is not active.
    ///
    /// Source: `virDomainGetCPUStats`; `remote_driver.c`, remoteDomainGetCPUStats, for the gaps.
    public func cpuStats(
        startCpu: Int32 = 0, ncpus: UInt32? = nil, flags: virTypedParameterFlags = []
    ) async throws(LibvirtError) -> [TypedParameters] {
        let first = UInt32(clamping: startCpu)
        var end = ncpus.map { first + min($0, .max - first) } ?? 0
        if ncpus == nil {
            // A daemon may say anything.
            let said = try await cpuStats(nparams: 0, 0, 0, flags).count
            end = min(said, UInt32(NodeInfo.mostProcessors))
        }
        if first >= end { return [] }
        let width = try await cpuStats(nparams: 0, Int32(clamping: first), 1, flags).count
        var all: [TypedParameters] = []
        var next = first
        while next < end {
            let count = min(end - next, Self.mostProcessors)
            all += try await cpuStats(width: width, Int32(clamping: next), count, flags)
            next += count
        }
        return all
    }

    /// As many as a daemon tells of in one call. Source: `remote_protocol.x`.
    private static let mostProcessors = UInt32(REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX)

    /// The values of some processors, by processor.
    ///
    /// - Parameter width: how many values there are for each.
    private func cpuStats(
        width: UInt32, _ startCpu: Int32, _ ncpus: UInt32, _ flags: virTypedParameterFlags
    ) async throws(LibvirtError) -> [TypedParameters] {
        guard width > 0 else { return [] }
        let (values, count) = try await cpuStats(nparams: width, startCpu, ncpus, flags)
        // The daemon may have found fewer for each than it said.
        let found = max(Int(count), 1)
        return stride(from: 0, to: values.count, by: found).map { start in
            TypedParameters(Array(values[start..<min(start + found, values.count)]))
        }
    }

    private func cpuStats(
        nparams: UInt32, _ startCpu: Int32, _ ncpus: UInt32, _ flags: virTypedParameterFlags
    ) async throws(LibvirtError) -> (values: [remote_typed_param], count: UInt32) {
        let result = try await connection.call(
            Remote.DOMAIN_GET_CPU_STATS,
            remote_domain_get_cpu_stats_args(
                dom: raw, nparams: nparams, start_cpu: startCpu, ncpus: ncpus,
                flags: flags.rawValue | connection.stringParametersFlag))
        return (result.params, UInt32(clamping: result.nparams))
    }
}

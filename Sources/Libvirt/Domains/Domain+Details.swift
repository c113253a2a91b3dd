public import LibvirtProtocol
internal import XDR

/// What keeps a domain apart from others. Source: `virSecurityLabel`.
public struct SecurityLabel: Hashable, Sendable {
    /// The label.
    public let label: String
    /// Whether the host enforces it.
    public let isEnforced: Bool

    init(_ raw: remote_domain_get_security_label_ret) {
        label = text(raw.label)
        isEnforced = raw.enforcing != 0
    }
}

/// A thread that does input and output for a domain. Source: `virDomainIOThreadInfo`.
public struct IOThread: Hashable, Sendable {
    /// Its number.
    public let id: UInt32
    /// The host's processors that it may run on: one bit each, the lowest first.
    public let affinity: [UInt8]
}

extension Domain {
    /// The security label of an active domain. Source: `virDomainGetSecurityLabel`.
    public func securityLabel() async throws(LibvirtError) -> SecurityLabel {
        SecurityLabel(
            try await call(
                Remote.DOMAIN_GET_SECURITY_LABEL,
                remote_domain_get_security_label_args(dom: raw)))
    }

    /// The labels of every security model. Source: `virDomainGetSecurityLabelList`.
    public func securityLabels() async throws(LibvirtError) -> [SecurityLabel] {
        try await call(
            Remote.DOMAIN_GET_SECURITY_LABEL_LIST,
            remote_domain_get_security_label_list_args(dom: raw)
        ).labels.map { SecurityLabel($0) }
    }

    /// What the guest says of its memory, mostly in KiB. Source: `virDomainMemoryStats`.
    public func memoryStats() async throws(LibvirtError) -> [virDomainMemoryStatTags: UInt64] {
        let result = try await call(
            Remote.DOMAIN_MEMORY_STATS,
            remote_domain_memory_stats_args(dom: raw, maxStats: 1024, flags: 0))
        let pairs = result.stats.map { (virDomainMemoryStatTags(rawValue: $0.tag), $0.val) }
        return Dictionary(pairs) { first, _ in first }
    }

    /// The disks that had errors: `virDomainDiskErrorCode` by the disk's target, such as `vda`.
    ///
    /// Source: `virDomainGetDiskErrors`.
    public func diskErrors() async throws(LibvirtError) -> [String: virDomainDiskErrorCode] {
        let result = try await call(
            Remote.DOMAIN_GET_DISK_ERRORS,
            remote_domain_get_disk_errors_args(dom: raw, maxerrors: 256, flags: 0))
        let pairs = result.errors.map { ($0.disk.text, virDomainDiskErrorCode(rawValue: $0.error)) }
        return Dictionary(pairs) { first, _ in first }
    }

    /// The threads that do its input and output. Source: `virDomainGetIOThreadInfo`.
    public func ioThreadInfo(
        flags: virDomainModificationImpact = []
    ) async throws(LibvirtError) -> [IOThread] {
        try await call(
            Remote.DOMAIN_GET_IOTHREAD_INFO,
            remote_domain_get_iothread_info_args(dom: raw, flags: flags.rawValue)
        ).info.map { IOThread(id: $0.iothread_id, affinity: $0.cpumap) }
    }
}

public import LibvirtProtocol
internal import XDR

/// A domain, libvirt's word for a virtual machine: a name for it on a connection, not its state.
///
/// The UUID is the identity. Name and id are those of the moment at which this value was made; a
/// domain can be renamed, and has an id only while it is active.
///
/// Source: `virDomainPtr`.
public struct Domain: Sendable {
    /// The connection that calls go over. It stays open while a value refers to it.
    public let connection: Connection
    /// As the protocol names it, for ``Connection/call(_:_:placement:deadline:)``.
    public let raw: remote_nonnull_domain

    init(_ connection: Connection, _ raw: remote_nonnull_domain) {
        self.connection = connection
        self.raw = raw
    }

    /// Names a domain whose identity is known already, from an event or a list of one's own, without asking
    /// the daemon. Whether there is such a domain shows with the first call: `noDomain`.
    ///
    /// - Parameters:
    ///   - name: for the daemon's messages; it goes by the identity.
    ///   - id: the number among the active domains, for a daemon that is asked for it.
    public init(
        _ uuid: LibvirtUUID, name: String = "", id: Int32? = nil, on connection: Connection
    ) {
        self.init(
            connection,
            remote_nonnull_domain(name: XDRString(name), uuid: uuid.raw, id: id ?? -1))
    }

    /// The name. Source: `virDomainGetName`.
    public var name: String { raw.name.text }
    /// The identity. Source: `virDomainGetUUID`.
    public var uuid: LibvirtUUID { LibvirtUUID(raw.uuid) }
    /// The number among the active domains; nil for an inactive one. Source: `virDomainGetID`.
    public var id: Int32? { raw.id < 0 ? nil : raw.id }

    func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments
    ) async throws(LibvirtError) -> Result {
        try await connection.call(procedure, arguments)
    }
}

extension Domain: Hashable {
    /// Whether both name the same domain on the same connection.
    public static func == (left: Domain, right: Domain) -> Bool {
        left.connection === right.connection && left.raw.uuid == right.raw.uuid
    }

    /// Hashes the identity.
    public func hash(into hasher: inout Hasher) { hasher.combine(raw.uuid) }
}

/// What a domain is doing, and why. Source: `virDomainGetState`.
public struct DomainStateReport: Hashable, Sendable {
    /// `virDomainState`.
    public let state: virDomainState
    /// Why, a number of the enumeration that belongs to the state (`virDomainRunningReason`, …).
    public let reason: Int32
}

/// How much a domain has and has used. Source: `virDomainInfo`.
public struct DomainInfo: Hashable, Sendable {
    /// What the domain is doing.
    public let state: virDomainState
    /// The most memory that it may have, in KiB.
    public let maximumMemory: UInt64
    /// The memory that it has, in KiB.
    public let memory: UInt64
    /// How many virtual processors it has.
    public let processorCount: Int
    /// The processor time that it has used, in nanoseconds.
    public let processorTime: UInt64

    init(_ raw: remote_domain_get_info_ret) {
        state = virDomainState(rawValue: Int32(truncatingIfNeeded: raw.state))
        maximumMemory = raw.maxMem
        memory = raw.memory
        processorCount = Int(raw.nrVirtCpu)
        processorTime = raw.cpuTime
    }
}

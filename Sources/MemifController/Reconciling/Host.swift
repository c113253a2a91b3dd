internal import LinuxIO
internal import Logging
internal import Synchronization

/// What every domain's reconciliation uses of this host.
struct Host: Sendable {
    let configuration: HostConfiguration
    let layout: RuntimeLayout
    let records: RecordStore
    let backend: any PortBackend
    let logger: Logger
    let policy: CurrentPolicy
    let changes: StatusChanges
    let audit: AuditLog
    let runTimes = RunTimes()
    let added = AddedPorts()
    /// What another process has left and no port has been opened for.
    let inherited = InheritedPorts()
    /// Where no new links are to come up; ports follow with the next look at each domain.
    let draining: DrainMarks
    /// What looks pass to do something. One that was inside for too long is not waited for, and does nothing
    /// more once it is locked.
    let gate = ReconcileGate()
    /// For looks at domains, which wait for the disk and have accounts looked up.
    let threads = WaitingThreads()
    /// The host's group; where there is none of that name, the process's own. Looked up once: an
    /// account service that is away for a while must not take sockets from their peers.
    let defaultGroup: UInt32
    /// Who administers the daemon; nil where there is no such group, so that only its own user does.
    let adminGroup: UInt32?
    /// Where everything is left for the next process; nil where nobody keeps it.
    let store: DescriptorStore?
    /// Where links are kept for the next process should this one crash.
    let crashes: CrashStore?

    init(
        _ configuration: HostConfiguration, backend: any PortBackend, logger: Logger,
        store: DescriptorStore? = nil, audit: AuditLog? = nil
    ) {
        self.configuration = configuration
        let audit = audit ?? AuditLog(logger: logger)
        self.audit = audit
        self.store = store
        layout = RuntimeLayout(configuration)
        records = RecordStore(layout)
        draining = DrainMarks(layout)
        self.backend = backend
        self.logger = logger
        policy = CurrentPolicy(configuration.policy)
        let changes = StatusChanges()
        backend.whenLinksChange { vm, name in changes.tell(.ports(vm, name: name)) }
        self.changes = changes
        // Not on the thread that serves all peers: the disk may be slow.
        backend.whenPeersCome { [runTimes] notice in
            switch notice.event {
            case .connected: runTimes.connected(notice.port, of: notice.vm)
            case .disconnected: runTimes.disconnected(notice.port, of: notice.vm)
            case .refused: break
            }
            audit.noteLater(AuditEvent(notice))
        }
        crashes = store.map { CrashStore($0.manager, logger: logger) }
        if let crashes { backend.whenCrashStatesChange { crashes.note($0, $1) } }
        backend.adopt(inherited)
        defaultGroup = Accounts.group(configuration.group) ?? Accounts.currentGroup
        adminGroup = Accounts.group(configuration.adminGroup)
    }

    /// Closes what another process has left and no port has been opened for.
    func closeUnclaimed() {
        close(inherited)
        inherited.abandon()
    }

    /// Closes what another process has left of a domain and is not to stand.
    ///
    /// What is to stand and could not be opened waits, with its links: a peer may be one that never connects
    /// again, and what keeps it back may pass.
    func closeUnclaimed(of vm: VMIdentifier, beside wanted: Set<String>) {
        let unwanted = inherited.claimUnwanted(
            of: vm, beside: Set(wanted.map { layout.socket(of: vm, port: $0) }), now: .now,
            limit: configuration.longestStandstill)
        if unwanted.count > 0 { close(unwanted) }
    }

    private func close(_ unwanted: InheritedPorts) {
        let specifications = unwanted.specifications
        backend.close(unwanted)
        for port in specifications { noteClosed(port, DisconnectText.removed) }
    }

    /// Adds a line to the audit about a port that another process had opened.
    func noteClosed(_ port: PortSpecification, _ reason: String) {
        audit.note(
            AuditEvent(
                .portClosed, port.vm, port.domainName, port: port.declaration.name, reason: reason))
    }

    /// Everything that a declaration leaves to the host, looked up.
    func specification(
        _ vm: VMIdentifier, _ domainName: String, _ declaration: PortDeclaration,
        _ admission: Admission
    ) throws(PortError) -> PortSpecification {
        let path = layout.socket(of: vm, port: declaration.name)
        guard path.utf8.count <= UnixAddress.longestName else {
            throw PortError(
                reason: "the socket's path has \(path.utf8.count) bytes, and a socket's address "
                    + "holds \(UnixAddress.longestName): \(path)",
                remedy: "give the port a shorter name, or the daemon a shorter --runtime-directory")
        }
        return PortSpecification(
            vm: vm, domainName: domainName, declaration: declaration, path: path,
            user: try account("user", "owner", declaration.owner, Accounts.user),
            group: try account("group", "group", declaration.group, Accounts.group)
                ?? defaultGroup,
            secret: try secret(declaration.secretReference),
            memory: policy.current.rule(forDomain: domainName).memory, admission: admission)
    }

    private func account(
        _ kind: String, _ attribute: String, _ name: String?, _ look: (String) -> UInt32?
    ) throws(PortError) -> UInt32? {
        guard let name else { return nil }
        guard let number = look(name) else {
            throw PortError(
                reason: "this host has no \(kind) '\(name)'",
                remedy: "make it, or change the port's \(attribute)")
        }
        return number
    }

    /// What a peer has to know; nil where it has to know nothing.
    func secret(_ reference: String?) throws(PortError) -> PortSecret? {
        guard let reference else { return nil }
        return try SecretDirectory(path: configuration.secretsDirectory).secret(named: reference)
    }
}

/// The host's policy as it is now: it can change while the daemon runs.
final class CurrentPolicy: Sendable {
    private let policy: Mutex<HostPolicy>

    init(_ policy: HostPolicy) { self.policy = Mutex(policy) }

    var current: HostPolicy {
        get { policy.withLock(\.self) }
        set { policy.withLock { $0 = newValue } }
    }
}

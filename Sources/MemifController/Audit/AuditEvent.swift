internal import LinuxIO

/// Something that an audit wants to know of and that no call over the control socket has brought about.
struct AuditEvent: CountedLine, Encodable, Sendable {
    /// What it is.
    enum Kind: String, Encodable, CaseIterable, Sendable {
        /// A port's socket stands.
        case portOpened = "port-opened"
        /// A port's socket is gone.
        case portClosed = "port-closed"
        /// The host's policy does not allow a port what it asks for.
        case policyRefused = "policy-refused"
        /// A peer's link is up.
        case peerConnected = "peer-connected"
        /// A peer's link is over.
        case peerDisconnected = "peer-disconnected"
        /// A peer was turned away, for a wrong secret or anything else, or ended before its link was up.
        case peerRefused = "peer-refused"
        /// The guest of a domain that has ports has crashed.
        case domainCrashed = "domain-crashed"
        /// The run of a domain that has ports has ended by itself, and not with a crash that has its line:
        /// QEMU died, or was killed.
        case domainEnded = "domain-ended"
        /// The guest of a domain that has ports has rebooted; its run and its links go on.
        case domainRebooted = "domain-rebooted"
        /// This daemon goes on with what another process has left.
        case tookOver = "took-over"
        /// Another process goes on with everything.
        case handedOver = "handed-over"
        /// The service manager keeps everything for the next process.
        case leftToManager = "left-to-manager"
        /// Settings were read again, and hold.
        case settingsRead = "settings-read"
        /// Settings were read again and cannot be used: those from before hold.
        case settingsRefused = "settings-refused"
    }

    private let time = Moment.text()
    let kind: Kind
    var vm: String?
    var domain: String?
    var port: String?
    var reason: String?
    /// How many ports it is about.
    var ports: Int?
    private(set) var pid: Int32?
    private(set) var uid: UInt32?
    private(set) var gid: UInt32?
    private(set) var comm: String?
    private(set) var exe: String?
    /// Events before this one that have no line, because there were too many, or the disk was too slow.
    var unwritten: Int? {
        didSet { if unwritten == 0 { unwritten = nil } }
    }

    private enum CodingKeys: String, CodingKey {
        case time, vm, domain, port, reason, ports, pid, uid, gid, comm, exe, unwritten
        case kind = "event"
    }

    init(_ kind: Kind) { self.kind = kind }

    /// Something about a domain, or a port of one.
    init(
        _ kind: Kind, _ vm: VMIdentifier, _ domain: String, port: String? = nil,
        reason: String? = nil, by peer: PeerCredentials? = nil
    ) {
        self.kind = kind
        self.vm = vm.description
        self.domain = domain
        self.port = port
        self.reason = reason
        pid = peer?.process
        uid = peer?.user
        gid = peer?.group
        comm = peer.flatMap { ProcessName.of($0.process) }
        exe = peer.map { ProcessName.executable(of: $0.process) }
    }

    /// As it is written.
    var line: String { (try? JSONLine.text(self)) ?? kind.rawValue }
}

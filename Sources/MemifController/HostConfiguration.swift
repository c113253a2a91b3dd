/// What the host says about ports, whoever declares them.
public struct HostConfiguration: Sendable, Hashable {
    /// Where sockets stand; gone after a reboot.
    public var runtimeDirectory = "/run/virtwire"
    /// Where records are kept; still there after a reboot.
    public var stateDirectory = "/var/lib/virtwire"
    /// Where the secrets are that ports refer to: one file for each, named as the reference.
    public var secretsDirectory = "/etc/virtwire/secrets.d"
    /// The group of sockets and their directories where a port names none. Where the host has no
    /// such group, the process's own takes its place.
    public var group = "virtwire"
    /// The group that may administer the daemon, over its control socket. Where the host has no such group,
    /// only root and the daemon's own user may. Not ``group``: who may use ports has no say in others'.
    public var adminGroup = "virtwire-admin"
    /// The file that has a line for each call which changed something; nil: the daemon's log has them.
    public var auditLog: String?
    /// Which domains can have what.
    public var policy = HostPolicy()
    /// Whether the controller only says what it would do: it opens, writes and removes nothing.
    public var observes = false
    /// How far apart the two looks are that have to lack a domain before its sockets are removed: libvirt
    /// may be loading its domains still, and a domain that is undefined may be defined again at once.
    public var orphanGrace: Duration = .seconds(5)
    /// How long links that another process has left stand still at most while their port cannot be opened,
    /// as when its secret cannot be read.
    public var longestStandstill: Duration = .seconds(3600)
    /// How often domains are looked at for a blocked start, of which no event tells.
    public var pollInterval: Duration = .seconds(2)
    /// How often every domain is read again, with nothing having said that it changed: in case that an
    /// event was lost and nobody knows. A thousand domains cost a fifth of a second of a core each time.
    public var resyncInterval: Duration = .seconds(300)

    /// The defaults.
    public init() {}
}

/// Where everything of the daemon's stands under its two directories.
///
/// Paths hold UUIDs, not names: a path is the same on every host that a domain moves to, and short
/// enough for a socket address (107 bytes).
public struct RuntimeLayout: Sendable, Hashable {
    private let runtime: String
    private let state: String

    /// The layout for a configuration.
    public init(_ configuration: HostConfiguration) {
        runtime = configuration.runtimeDirectory
        state = configuration.stateDirectory
    }

    /// The runtime directory itself: 0755, so that each peer can reach its own part.
    public var runtimeDirectory: String { runtime }
    /// Holds a directory for each domain: 0755.
    public var domainsDirectory: String { "\(runtime)/vm" }
    /// The sockets of one domain: 3770, for their group.
    public func directory(of vm: VMIdentifier) -> String { "\(domainsDirectory)/\(vm)" }
    /// A port's socket: 0660.
    public func socket(of vm: VMIdentifier, port: String) -> String {
        "\(directory(of: vm))/\(port).sock"
    }
    /// The daemon's control socket, for those who administer it: 0660, for the group of those; 0600 without.
    public var controlSocket: String { "\(runtime)/control.sock" }
    /// The control socket for those who only ask: 0666.
    public var readOnlyControlSocket: String { "\(runtime)/control-ro.sock" }
    /// Locked while a daemon serves this runtime directory.
    public var lock: String { "\(runtime)/lock" }
    /// Notes processes that have begun to go on with what the service manager has kept.
    var adoptionAttempts: String { "\(runtime)/adoptions" }
    /// Locked while a daemon keeps these records.
    public var recordsLock: String { "\(state)/records.lock" }
    /// Names the libvirt that the records are of.
    public var libvirtMark: String { "\(state)/libvirt-uri" }
    /// There while the host is being drained.
    public var drainMark: String { "\(state)/draining" }
    /// Has a file for each domain that is being drained itself.
    public var drainedDomainsDirectory: String { "\(state)/draining.vms" }
    /// The records of what has been created: 0700.
    public var recordsDirectory: String { "\(state)/vms" }
    /// The record of one domain.
    public func record(of vm: VMIdentifier) -> String { "\(recordsDirectory)/\(vm).json" }
}

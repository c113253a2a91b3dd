/// Which UNIX socket of this host a URI means.
///
/// A host has either the one daemon with all drivers (`libvirtd`, or `virtproxyd` in its place) or a
/// daemon for each driver (`virtqemud`, …). Which socket there is decides, before anybody connects: a
/// daemon that refuses is the right one all the same.
///
/// Source: libvirt's `remote_sockets.c`.
public struct SocketSelection: Hashable, Sendable {
    /// The socket's path; `@` leads an abstract name.
    public let path: String
    /// Why it is this one.
    public let reason: String
    /// Sockets that would have been preferred, had they been there.
    public let passedOver: [String]
    /// The daemon that can be started to listen there, such as `virtqemud`; nil for the system's, whose
    /// start is not a client's business, and for a socket that the URI names.
    public let sessionDaemon: String?

    /// Chooses the socket for a URI.
    ///
    /// - Parameters:
    ///   - readOnly: prefers the read-only socket, which a session does not have.
    ///   - defaultMode: `mode` for a URI that has none, as `remote_mode` of libvirt.conf sets it.
    ///   - surroundings: whose session, and what is there.
    /// - Throws: `LibvirtURIError` for a `mode` that libvirt does not know.
    public init(
        _ uri: LibvirtURI, readOnly: Bool, defaultMode: String? = nil,
        in surroundings: Surroundings = .current
    ) throws(LibvirtURIError) {
        if let socket = uri.parameter("socket"), !socket.isEmpty {
            self.init(path: socket, reason: "the URI names it", passedOver: [], sessionDaemon: nil)
            return
        }
        let isSession = Self.isSession(uri, in: surroundings)
        // A remote host may lack /run; libvirt spells the system's directory like this everywhere.
        let directory = isSession ? surroundings.runtimeDirectory : "/var/run/libvirt"
        let suffix = readOnly && !isSession ? "-ro" : ""
        let shared = "\(directory)/libvirt-sock\(suffix)"
        let daemon = Self.daemons[uri.driver]
        let own = daemon.map { "\(directory)/\($0)-sock\(suffix)" }
        let mode = uri.parameter("mode") ?? defaultMode ?? "auto"
        switch (mode, own) {
        case ("auto", let own?) where surroundings.fileExists(own):
            self.init(
                path: own, reason: "it is there", passedOver: [],
                sessionDaemon: isSession ? daemon : nil)
        case ("auto", let own?)
        where isSession && !surroundings.fileExists(shared)
            && Self.isAlone(daemon, in: surroundings):
            self.init(
                path: own, reason: "its daemon is installed, and libvirtd is not",
                passedOver: [shared], sessionDaemon: daemon)
        case ("auto", let own):
            self.init(
                path: shared,
                reason: surroundings.fileExists(shared)
                    ? "it is there" : "no other is there either",
                passedOver: own.map { [$0] } ?? [], sessionDaemon: isSession ? "libvirtd" : nil)
        case ("legacy", _):
            self.init(
                path: shared, reason: "mode=legacy", passedOver: [],
                sessionDaemon: isSession ? "libvirtd" : nil)
        case ("direct", let own?):
            self.init(
                path: own, reason: "mode=direct", passedOver: [],
                sessionDaemon: isSession ? daemon : nil)
        case ("direct", nil):
            throw LibvirtURIError(
                uri.description, "mode=direct needs a driver with a daemon of its own")
        default:
            throw LibvirtURIError(
                uri.description, "mode=\(mode) is none of auto, legacy and direct")
        }
    }

    init(path: String, reason: String, passedOver: [String], sessionDaemon: String?) {
        self.path = path
        self.reason = reason
        self.passedOver = passedOver
        self.sessionDaemon = sessionDaemon
    }

    /// Whether the daemon of the user's session is meant. Root has none; the test driver is one's own
    /// as soon as a transport is named.
    static func isSession(_ uri: LibvirtURI, in surroundings: Surroundings) -> Bool {
        !surroundings.isRoot
            && (uri.path == "/session" || uri.driver == "test" && uri.namesTransport)
    }

    /// Whether a host has a driver's own daemon to start, and no libvirtd.
    private static func isAlone(_ daemon: String?, in surroundings: Surroundings) -> Bool {
        func isInstalled(_ name: String) -> Bool {
            SessionDaemon(name: name, surroundings: surroundings).isInstalled
        }
        return daemon.map(isInstalled) == true && !isInstalled("libvirtd")
    }

    /// Refuses a `mode` that means nothing for a daemon elsewhere.
    static func checkMode(_ uri: LibvirtURI) throws(LibvirtURIError) {
        switch uri.parameter("mode") {
        case nil, "auto", "legacy": break
        case "direct":
            throw LibvirtURIError(
                uri.description,
                "mode=direct is for sockets of this host, and \(uri.transport.rawValue) is not "
                    + "one")
        case let mode?:
            throw LibvirtURIError(
                uri.description, "mode=\(mode) is none of auto, legacy and direct")
        }
    }

    /// The daemon that serves one driver alone.
    static let daemons: [String: String] = [
        "qemu": "virtqemud", "xen": "virtxend", "lxc": "virtlxcd", "vbox": "virtvboxd",
        "bhyve": "virtbhyved", "vz": "virtvzd", "ch": "virtchd", "network": "virtnetworkd",
        "storage": "virtstoraged", "nodedev": "virtnodedevd", "interface": "virtinterfaced",
        "secret": "virtsecretd", "nwfilter": "virtnwfilterd",
    ]
}

internal import Glibc
internal import LinuxIO

/// Which UNIX sockets a URI may mean, in the order in which they are tried.
///
/// Source: libvirt's `remote_sockets.c`; a host has either the one daemon with all drivers
/// (`libvirtd`) or a daemon for each driver (`virtqemud`, …).
public struct SocketSelection: Hashable, Sendable {
    /// The paths, best first; `@` leads an abstract name.
    public let paths: [String]

    /// What of the process and the host the choice depends on.
    public struct Surroundings: Sendable {
        /// The effective user id.
        public var user: UInt32
        /// `XDG_RUNTIME_DIR`; nil where it is not set.
        public var runtimeDirectory: String?
        /// The home directory, for a session whose runtime directory is not set.
        public var home: String?

        /// Surroundings made up, for tests.
        public init(user: UInt32, runtimeDirectory: String?, home: String?) {
            self.user = user
            self.runtimeDirectory = runtimeDirectory
            self.home = home
        }

        /// Those of this process.
        public static var current: Surroundings {
            Surroundings(
                user: geteuid(), runtimeDirectory: Environment.value("XDG_RUNTIME_DIR"),
                home: Environment.value("HOME"))
        }
    }

    /// Chooses the sockets for a URI.
    ///
    /// - Parameters:
    ///   - readOnly: prefers the read-only sockets, which a session does not have.
    ///   - surroundings: whose session, and where.
    /// - Throws: `LibvirtURIError` for a `mode` that libvirt does not know.
    public init(
        _ uri: LibvirtURI, readOnly: Bool, surroundings: Surroundings = .current
    ) throws(LibvirtURIError) {
        if let socket = uri.parameter("socket"), !socket.isEmpty {
            paths = [socket]
            return
        }
        let isSession = surroundings.user != 0 && uri.isSession
        let runtime = surroundings.runtimeDirectory ?? "\(surroundings.home ?? "")/.cache"
        // A remote host may lack /run; libvirt spells the system's directory like this everywhere.
        let directory = isSession ? "\(runtime)/libvirt" : "/var/run/libvirt"
        let suffix = readOnly && !isSession ? "-ro" : ""
        let shared = "\(directory)/libvirt-sock\(suffix)"
        let own = Self.daemons[uri.driver].map { "\(directory)/\($0)-sock\(suffix)" }
        switch uri.parameter("mode") ?? "auto" {
        case "auto": paths = [own, shared].compactMap(\.self)
        case "legacy": paths = [shared]
        case "direct":
            guard let own else {
                throw LibvirtURIError(
                    uri.description, "mode=direct needs a driver with a daemon of its own")
            }
            paths = [own]
        case let mode:
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

internal import Glibc
internal import LinuxIO

/// What of the process and its host a connection depends on: whose it is, and where that user's files
/// and sockets lie.
public struct Surroundings: Sendable {
    /// The effective user id.
    public var user: UInt32
    /// The value of an environment variable; nil where it is not set or empty.
    public var variable: @Sendable (_ name: String) -> String?
    /// Whether there is a file at a path.
    public var fileExists: @Sendable (_ path: String) -> Bool

    /// Surroundings made up, for tests.
    public init(user: UInt32, variables: [String: String] = [:], files: Set<String> = []) {
        self.user = user
        variable = { variables[$0].flatMap { $0.isEmpty ? nil : $0 } }
        fileExists = { files.contains($0) }
    }

    private init() {
        user = geteuid()
        variable = { Environment.value($0) }
        fileExists = { File.exists($0) }
    }

    /// Those of this process.
    public static var current: Surroundings { Surroundings() }

    /// Whether the process may do anything on the host.
    public var isRoot: Bool { user == 0 }

    /// The user's home directory, as a slash and a name may follow it: nothing for the root directory, which
    /// whoever has no home is at home in.
    var home: String {
        var path = variable("HOME") ?? Accounts.home(of: user) ?? ""
        while path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// Where the daemons of the user's session have their sockets.
    var runtimeDirectory: String {
        (variable("XDG_RUNTIME_DIR") ?? "\(home)/.cache") + "/libvirt"
    }

    /// Where the user keeps libvirt's client files.
    var configurationDirectory: String {
        (variable("XDG_CONFIG_HOME") ?? "\(home)/.config") + "/libvirt"
    }
}

/// What is run on the far host, so that its output is the daemon's: libvirt's own helper, which finds the
/// right socket there, or a netcat.
///
/// Source: `virnetclient.c`, virNetClientSSHHelperCommand.
struct RemoteCommand {
    /// The command, for whatever shell the user has there.
    let text: String

    /// The ways to the daemon on the far host.
    enum Proxy: String, CaseIterable {
        /// The helper where there is one, else a netcat.
        case auto
        /// The helper.
        case native
        /// A netcat.
        case netcat
    }

    /// - Throws: `LibvirtURIError` for parameters that cannot be honoured.
    init(_ uri: LibvirtURI, readOnly: Bool, defaultProxy: String?) throws(LibvirtURIError) {
        let proxy = try Self.proxy(uri, defaultProxy: defaultProxy)
        let helper = Self.helper(uri, readOnly: readOnly)
        let netcat = Self.netcat(uri, readOnly: readOnly)
        let script =
            switch proxy {
            case .native: "exec \(helper)"
            case .netcat: netcat
            case .auto:
                "if command -v virt-ssh-helper >/dev/null 2>&1; then exec \(helper); fi; \(netcat)"
            }
        // The user's shell takes this apart first, and it need not be a POSIX one.
        text = "sh -c \(Self.quoted(script))"
    }

    static func proxy(
        _ uri: LibvirtURI, defaultProxy: String?
    ) throws(LibvirtURIError) -> Proxy {
        let name = uri.parameter("proxy") ?? defaultProxy ?? Proxy.auto.rawValue
        guard var proxy = Proxy(rawValue: name) else {
            throw LibvirtURIError(
                uri.description, "proxy=\(name) is none of auto, native and netcat")
        }
        let named = uri.parameter("netcat") != nil ? "netcat" : "socket"
        if uri.parameter("netcat") != nil || uri.parameter("socket") != nil {
            guard proxy != .native else {
                throw LibvirtURIError(
                    uri.description, "\(named)= is for a netcat, and proxy=native is none")
            }
            proxy = .netcat
        } else if uri.path == "/session" {
            // Where a session has its socket is known on the far host only.
            guard proxy != .netcat else {
                throw LibvirtURIError(
                    uri.description,
                    "proxy=netcat finds no session's socket: name it with socket=, or use native")
            }
            proxy = .native
        }
        return proxy
    }

    private static func helper(_ uri: LibvirtURI, readOnly: Bool) -> String {
        let name = uri.serverName.isEmpty ? "remote:///" : uri.serverName
        return "virt-ssh-helper \(readOnly ? "-r " : "")\(quoted(name))"
    }

    /// A netcat that stops when its input does, if it can.
    private static func netcat(_ uri: LibvirtURI, readOnly: Bool) -> String {
        let netcat = quoted(uri.parameter("netcat") ?? "nc")
        var script =
            "command -v \(netcat) >/dev/null 2>&1 || { echo "
            + quoted("there is no \(uri.parameter("netcat") ?? "virt-ssh-helper and no nc") there")
            + " >&2; exit 127; }; "
        if let socket = uri.parameter("socket") {
            script += "s=\(quoted(socket)); "
        } else {
            let suffix = readOnly ? "-ro" : ""
            script += "s=/var/run/libvirt/libvirt-sock\(suffix); "
            if uri.parameter("mode") != "legacy", let daemon = SocketSelection.daemons[uri.driver] {
                let own = "/var/run/libvirt/\(daemon)-sock\(suffix)"
                script += "if test -S \(own); then s=\(own); fi; "
            }
        }
        return script
            + "q=; case \"$(\(netcat) -h 2>&1)\" in *[[:space:]]-q[[:space:],]*) q=-q0;; esac; "
            + "exec \(netcat) $q -U \"$s\""
    }

    /// A word that a POSIX shell takes as it is.
    static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            Character(UnicodeScalar(byte)).isASCII
                && (Character(UnicodeScalar(byte)).isLetter
                    || Character(UnicodeScalar(byte)).isNumber || "/._-:=".utf8.contains(byte))
        }
        if plain, !word.isEmpty { return word }
        return "'"
            + word.split(separator: "'", omittingEmptySubsequences: false)
            .joined(separator: #"'\''"#) + "'"
    }
}

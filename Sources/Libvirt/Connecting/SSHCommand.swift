/// The command that reaches a host by the system's ssh, which knows the user's configuration, keys, agent
/// and known hosts.
///
/// The transports `libssh` and `libssh2` are served by it as well: their parameters are told to ssh.
///
/// Source: `virnetsocket.c`, virNetSocketNewConnectSSH; libvirt's `docs/uri.rst`; ssh_config(5).
struct SSHCommand {
    /// The program and its arguments.
    let arguments: [String]

    /// - Throws: `LibvirtURIError` for parameters that cannot be honoured.
    init(
        _ uri: LibvirtURI, readOnly: Bool, defaultProxy: String? = nil,
        in surroundings: Surroundings
    ) throws(LibvirtURIError) {
        guard let host = uri.host else {
            throw LibvirtURIError(uri.description, "it names no host for ssh to reach")
        }
        var words = [uri.parameter("command") ?? "ssh"]
        if let port = uri.port { words += ["-p", String(port)] }
        // libvirt's own client logs in as root where libssh carries it.
        if let user = uri.user ?? (uri.transport == .ssh ? nil : "root") { words += ["-l", user] }
        if let key = uri.parameter("keyfile") { words += ["-i", key] }
        words += ["-T", "-e", "none"]
        let options =
            try Self.terminalOptions(uri) + Self.hostOptions(uri, surroundings)
            + Self.loginOptions(uri)
        for option in options { words += ["-o", option] }
        let command = try RemoteCommand(uri, readOnly: readOnly, defaultProxy: defaultProxy).text
        arguments = words + ["--", host, command]
    }

    private static func terminalOptions(_ uri: LibvirtURI) throws(LibvirtURIError) -> [String] {
        try uri.flag("no_tty") ? ["BatchMode=yes"] : []
    }

    /// How the server is verified.
    private static func hostOptions(
        _ uri: LibvirtURI, _ surroundings: Surroundings
    ) throws(LibvirtURIError) -> [String] {
        var options: [String] = []
        var files: [String] = []
        if let file = uri.parameter("known_hosts") {
            files = [file]
        } else if uri.transport != .ssh {
            let own = surroundings.configurationDirectory + "/known_hosts"
            if surroundings.fileExists(own) { files = [own, "~/.ssh/known_hosts"] }
        }
        switch uri.parameter("known_hosts_verify") {
        case nil, "normal": break
        case "auto": options.append("StrictHostKeyChecking=accept-new")
        case "ignore":
            options += ["StrictHostKeyChecking=no", "GlobalKnownHostsFile=/dev/null"]
            files = ["/dev/null"]
        case let value?:
            throw LibvirtURIError(
                uri.description,
                "known_hosts_verify=\(value) is none of normal, auto and ignore")
        }
        if try uri.flag("no_verify") { options.append("StrictHostKeyChecking=no") }
        if !files.isEmpty {
            options.append("UserKnownHostsFile=" + files.map(quoted).joined(separator: " "))
        }
        return options
    }

    /// How we log in: ssh's names for the methods in `sshauth`, in their order.
    private static func loginOptions(_ uri: LibvirtURI) throws(LibvirtURIError) -> [String] {
        guard let list = uri.parameter("sshauth") else { return [] }
        let methods = list.split(separator: ",").map { $0.lowercased() }
        var names: [String] = []
        for method in methods {
            let name: String
            switch method {
            case "none": name = "none"
            case "agent", "privkey": name = "publickey"
            case "password", "keyboard-interactive": name = method
            default:
                throw LibvirtURIError(
                    uri.description,
                    "sshauth=\(list) has \"\(method)\", and there are none, agent, privkey, "
                        + "password and keyboard-interactive")
            }
            if !names.contains(name) { names.append(name) }
        }
        guard !names.isEmpty else {
            throw LibvirtURIError(uri.description, "sshauth names no way to log in")
        }
        var options = ["PreferredAuthentications=" + names.joined(separator: ",")]
        if methods.contains("privkey"), !methods.contains("agent") {
            options.append("IdentityAgent=none")
        }
        if methods.contains("agent"), !methods.contains("privkey") {
            options.append("IdentityFile=none")
        }
        return options
    }

    /// A path, as ssh's configuration wants it.
    private static func quoted(_ path: String) -> String {
        let plain = path.split(separator: "%", omittingEmptySubsequences: false)
            .joined(separator: "%%")
        return plain.contains(" ") ? "\"\(plain)\"" : plain
    }
}

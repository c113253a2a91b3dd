internal import LibvirtRPC
internal import LinuxIO

/// The way to the daemon that a URI asks for.
struct Route {
    /// What carries the connection.
    enum Way {
        case socket(SocketSelection)
        case network(host: String, port: UInt16, tls: TLSSettings?)
        /// A program's arguments, its own name first, and what to call it.
        case program([String], title: String)
    }

    let target: ConnectionTarget
    let readOnly: Bool
    let way: Way

    /// Where libvirt's daemons listen. Source: `remote_driver.h`.
    private static let tcpPort: UInt16 = 16509
    private static let tlsPort: UInt16 = 16514

    /// - Throws: `LibvirtURIError` for parameters that cannot be honoured.
    init(_ target: ConnectionTarget, readOnly: Bool) throws(LibvirtURIError) {
        self.target = target
        self.readOnly = readOnly
        let uri = target.uri
        let configuration = target.configuration
        // libvirt's own client takes a missing host for this one.
        let host = uri.host ?? "localhost"
        try URIParameters.check(uri)
        if uri.transport != .unix { try SocketSelection.checkMode(uri) }
        switch uri.transport {
        case .unix:
            way = .socket(
                try SocketSelection(
                    uri, readOnly: readOnly, defaultMode: configuration.mode,
                    in: target.surroundings))
        case .tcp: way = .network(host: host, port: uri.port ?? Self.tcpPort, tls: nil)
        case .tls:
            let files = try TLSFiles(
                uri, defaultPriority: configuration.tlsPriority, in: target.surroundings)
            way = .network(host: host, port: uri.port ?? Self.tlsPort, tls: files.settings)
        case .ssh, .libssh, .libssh2:
            let command = try SSHCommand(
                uri, readOnly: readOnly, defaultProxy: configuration.proxy,
                in: target.surroundings)
            way = .program(command.arguments, title: "ssh to \(host)")
        case .ext:
            // It gets no arguments: a script can give it some.
            guard let command = uri.parameter("command"), !command.isEmpty else {
                throw LibvirtURIError(
                    uri.description, "ext needs the path of a program: command=PATH")
            }
            way = .program([command], title: command)
        }
    }

    /// What is done, in order.
    var actions: [String] {
        let name = target.uri.serverName
        let opening =
            "authenticate, and open "
            + (name.isEmpty ? "what the daemon chooses" : name) + (readOnly ? " read-only" : "")
        return carrierActions + [opening]
    }

    private var carrierActions: [String] {
        switch way {
        case .socket(let selection):
            return selection.passedOver.map { "look for the UNIX socket \($0)" }
                + ["connect to the UNIX socket \(selection.path) (\(selection.reason))\(start)"]
        case .network(let host, let port, let tls):
            let place = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            return ["connect to \(place) over " + (tls.map(Self.words) ?? "TCP, in the clear")]
        case .program(let arguments, _):
            return ["run " + arguments.map(RemoteCommand.quoted).joined(separator: " ")]
        }
    }

    /// The daemon that is started for the connection, where one is.
    var sessionDaemon: SessionDaemon? {
        guard case .socket(let selection) = way, let name = selection.sessionDaemon else {
            return nil
        }
        let daemon = SessionDaemon(name: name, surroundings: target.surroundings)
        return daemon.mayStart ? daemon : nil
    }

    private var start: String {
        sessionDaemon.map {
            ", and where nobody listens run \($0.command.joined(separator: " "))"
        } ?? ""
    }

    private static func words(_ tls: TLSSettings) -> String {
        var words = "TLS, "
        if tls.verifiesServer {
            words += "trusting \(tls.authorities)"
            if let revocations = tls.revocations { words += " less \(revocations)" }
        } else {
            words += "trusting anybody"
        }
        return words + ", "
            + (tls.identity.map { "as \($0.certificate)" } ?? "without a certificate of ours")
    }
}

internal import LibvirtRPC
internal import LinuxIO

/// Gets hold of what carries a connection's frames, by the URI's transport.
struct CarrierConnector {
    let uri: LibvirtURI
    let readOnly: Bool
    let deadline: ContinuousClock.Instant?
    let loop: EventLoop

    /// For a connection over a network, when no deadline was given.
    private static let patience = Duration.seconds(30)
    /// Where libvirt's daemons listen. Source: `remote_driver.h`.
    private static let tcpPort: UInt16 = 16509
    private static let tlsPort: UInt16 = 16514

    func connect() async throws(LibvirtError) -> any Carrier {
        switch uri.transport {
        case .unix:
            UnixCarrier(
                try await SocketConnector(uri: uri, readOnly: readOnly).connect(), loop: loop)
        case .tcp: try await connectOverNetwork(port: Self.tcpPort, tls: nil)
        case .tls: try await connectOverNetwork(port: Self.tlsPort, tls: try tlsSettings())
        case .ssh, .libssh, .libssh2:
            try start(
                try invalid { () throws(LibvirtURIError) in
                    try SSHCommand(uri, readOnly: readOnly, in: .current).arguments
                }, title: "ssh to \(uri.host ?? "")")
        case .ext:
            try start(try invalid(externalCommand), title: uri.parameter("command") ?? "")
        }
    }

    /// The program of `ext`, which gets no arguments: a script can give it some.
    private func externalCommand() throws(LibvirtURIError) -> [String] {
        guard let command = uri.parameter("command"), !command.isEmpty else {
            throw LibvirtURIError(uri.description, "ext needs the path of a program: command=PATH")
        }
        return [command]
    }

    private func start(
        _ arguments: [String], title: String
    ) throws(LibvirtError) -> any Carrier {
        do throws(SystemError) {
            return try ProgramCarrier(arguments, title: title, loop: loop)
        } catch {
            throw LibvirtError(
                .unreachable([ConnectionAttempt(address: title, problem: error.description)]),
                uri: uri.description)
        }
    }

    private func invalid<Result>(
        _ body: () throws(LibvirtURIError) -> Result
    ) throws(LibvirtError) -> Result {
        do throws(LibvirtURIError) {
            return try body()
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri.description)
        }
    }

    private func connectOverNetwork(
        port: UInt16, tls: TLSSettings?
    ) async throws(LibvirtError) -> any Carrier {
        // libvirt's own client takes a missing host for this one.
        let host = uri.host ?? "localhost"
        let left = deadline.map { ContinuousClock.now.duration(to: $0) } ?? Self.patience
        do throws(NetworkConnectionError) {
            return try await NetworkCarrier.connect(
                host: host, port: uri.port ?? port, tls: tls, timeout: max(left, .milliseconds(1)))
        } catch {
            let attempts = error.attempts.map {
                ConnectionAttempt(address: $0.address, problem: $0.problem)
            }
            throw LibvirtError(.unreachable(attempts), uri: uri.description)
        }
    }

    private func tlsSettings() throws(LibvirtError) -> TLSSettings {
        try invalid { () throws(LibvirtURIError) in
            try TLSFiles(uri, defaultPriority: nil, in: .current).settings
        }
    }
}

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

    func connect() async throws(LibvirtError) -> any Carrier {
        switch uri.transport {
        case .unix:
            UnixCarrier(
                try await SocketConnector(uri: uri, readOnly: readOnly).connect(), loop: loop)
        case .tcp: try await connectOverTCP()
        case .tls, .ssh, .libssh, .libssh2, .ext:
            throw LibvirtError(
                .invalidURI(
                    "the \(uri.transport.rawValue) transport of \(uri) is not served: "
                        + "only UNIX sockets of this host and TCP are"), uri: uri.description)
        }
    }

    private func connectOverTCP() async throws(LibvirtError) -> any Carrier {
        // libvirt's own client takes a missing host for this one.
        let host = uri.host ?? "localhost"
        let left = deadline.map { ContinuousClock.now.duration(to: $0) } ?? Self.patience
        do throws(NetworkConnectionError) {
            return try await NetworkCarrier.connect(
                host: host, port: uri.port ?? Self.tcpPort, timeout: max(left, .milliseconds(1)))
        } catch {
            let attempts = error.attempts.map {
                ConnectionAttempt(address: $0.address, problem: $0.problem)
            }
            throw LibvirtError(.unreachable(attempts), uri: uri.description)
        }
    }
}

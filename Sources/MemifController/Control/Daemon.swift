internal import LinuxIO
public import Logging

/// Everything that virtwired runs: a controller and its control socket.
public struct Daemon: Sendable {
    /// The daemon's version, as VERSION tells it.
    public static let version = "0.1.0"

    private let host: Host
    private let controller: Controller
    private let uri: String

    /// Puts a daemon together; it does nothing before ``run()``.
    ///
    /// - Parameter uri: the libvirt URI that the source connects to, for the status.
    public init(
        _ configuration: HostConfiguration, uri: String, source: any DomainSource,
        backend: any PortBackend, logger: Logger
    ) {
        host = Host(configuration, backend: backend, logger: logger)
        controller = Controller(host, source: source)
        self.uri = uri
    }

    /// Serves until its task is cancelled; then peers are told "daemon stopping" and every socket is
    /// taken away.
    ///
    /// - Throws: `PortError` when its directories or its control socket cannot be used.
    public func run() async throws(PortError) {
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop.start(name: "control")
        } catch {
            throw PortError(reason: "\(error)", remedy: "raise the limit on threads")
        }
        defer { loop.stop() }
        try await controller.run { () throws(PortError) in
            let server = try ControlServer(host, for: controller, uri: uri, loop: loop)
            host.logger.info(
                "ready",
                metadata: ["control": "\(host.layout.controlSocket)", "libvirt": "\(uri)"])
            return { server.stop() }
        }
    }
}

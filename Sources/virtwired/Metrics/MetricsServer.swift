internal import LinuxIO
internal import MemifController
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Answers `/metrics`, `/healthz` and `/readyz` over HTTP.
struct MetricsServer {
    private let channel: any Channel
    private let socket: (path: String, identity: FileIdentity)?

    /// The socket's mode: its group, that of the setting `metrics-group`, may read the figures.
    private static let mode: UInt32 = 0o660

    /// Starts to answer.
    ///
    /// - Parameter group: that of a UNIX socket; nil: the daemon's own.
    /// - Throws: `PortError` when the address cannot be had, or there is no such group.
    init(
        _ address: MetricsAddress, group: String? = nil, _ answers: MetricsAnswers
    ) async throws(PortError) {
        let number = group.flatMap { Accounts.group($0) }
        if let group, number == nil {
            throw PortError(
                reason: "metrics cannot be served: this host has no group '\(group.printable)'",
                remedy: "make it, or name another in the setting metrics-group")
        }
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 16)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    // A client that says nothing for this long is let go.
                    try pipeline.addHandler(IdleStateHandler(allTimeout: .seconds(10)))
                    try pipeline.configureHTTPServerPipeline(withErrorHandling: true)
                    try pipeline.addHandler(MetricsHandler(answers))
                }
            }
        do {
            switch address {
            case .unix(let path):
                let listener = try SocketFile.listenUnlessTaken(
                    at: path, kind: .stream, mode: Self.mode, group: number)
                socket = (path, try FileStatus(path: path).identity)
                channel = try await bootstrap.withBoundSocket(
                    listener.descriptor.duplicate().release()
                )
                .get()
            case .loopback(let host, let port):
                socket = nil
                channel = try await bootstrap.serverChannelOption(
                    .socketOption(.so_reuseaddr), value: 1
                ).bind(host: host, port: port).get()
            }
        } catch {
            throw PortError(
                reason: "metrics cannot be served: \(error)",
                remedy: "name another address in the setting metrics")
        }
    }

    /// Ends it, and removes the socket.
    func stop() async {
        if let socket { SocketFile.remove(socket.path, ifStill: socket.identity) }
        try? await channel.close()
    }
}

/// What is answered to a path.
struct MetricsAnswers: Sendable {
    private let daemon: Daemon
    private let reload: SettingsReload
    private let showsPorts: Bool
    let life = SignsOfLife()

    /// - Parameter showsPorts: whether there are figures of each port.
    init(_ daemon: Daemon, _ reload: SettingsReload, showsPorts: Bool) {
        self.daemon = daemon
        self.reload = reload
        self.showsPorts = showsPorts
    }

    /// What is answered over the control socket.
    var reports: DaemonReports {
        DaemonReports(settings: { reload.effective }, metrics: { text(showsPorts: false) })
    }

    private func text(showsPorts: Bool) -> String {
        MetricsText(
            daemon.status(), daemon.statistics(), ProcessFigures.now, reload.state,
            version: Daemon.version, showsPorts: showsPorts
        ).text
    }

    /// Status and text.
    func answer(_ method: HTTPMethod, _ path: String) -> (HTTPResponseStatus, String) {
        guard method == .GET || method == .HEAD else {
            return (.methodNotAllowed, "only GET is answered\n")
        }
        switch path.split(separator: "?", maxSplits: 1).first {
        case "/metrics":
            return (.ok, text(showsPorts: showsPorts))
        case "/healthz":
            if let problem = life.problem { return (.serviceUnavailable, "\(problem)\n") }
            return (.ok, "alive\n")
        case "/readyz":
            switch daemon.status().connection {
            case .connected: return (.ok, "connected to libvirt\n")
            case .connecting: return (.serviceUnavailable, "not yet connected to libvirt\n")
            case .disconnected(let reason):
                return (.serviceUnavailable, "not connected to libvirt: \(reason.printable)\n")
            }
        default:
            return (.notFound, "there are /metrics, /healthz and /readyz\n")
        }
    }
}

/// One client: a request, an answer, and the end.
private final class MetricsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let answers: MetricsAnswers
    private var isAnswered = false

    init(_ answers: MetricsAnswers) { self.answers = answers }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = unwrapInboundIn(data), !isAnswered else { return }
        isAnswered = true
        let (status, text) = answers.answer(request.method, request.uri)
        var headers = HTTPHeaders()
        headers.add(name: "content-type", value: "text/plain; version=0.0.4; charset=utf-8")
        headers.add(name: "content-length", value: "\(text.utf8.count)")
        headers.add(name: "connection", value: "close")
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD {
            let body = context.channel.allocator.buffer(string: text)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let ended = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: ended)
        let channel = context.channel
        ended.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is IdleStateHandler.IdleStateEvent { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

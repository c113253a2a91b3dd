internal import Glibc
internal import LinuxIO
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension NetworkCarrier {
    /// Connects to a host's TCP port: to the first of its addresses that answers.
    ///
    /// - Parameters:
    ///   - host: a name or an address; with TLS, what the server's certificate must be for.
    ///   - tls: secures the connection; nil leaves it plain.
    ///   - timeout: ends the attempt.
    ///   - longestFrame: the longest frame to accept.
    /// - Throws: `NetworkConnectionError`: each address that was tried, with its outcome.
    public static func connect(
        host: String, port: UInt16, tls: TLSSettings? = nil, timeout: Duration,
        longestFrame: Int = FrameLimits.longest
    ) async throws(NetworkConnectionError) -> NetworkCarrier {
        do {
            let opening = NetworkOpening(
                host: host, port: port, tls: tls, context: try tls?.makeContext(),
                timeout: TimeAmount(timeout), longestFrame: longestFrame)
            return try await opening.run(on: group.next())
        } catch {
            throw NetworkConnectionError(error, host: host, port: port)
        }
    }
}

/// A network connection on its way to being one.
private struct NetworkOpening {
    let host: String
    let port: UInt16
    let tls: TLSSettings?
    let context: TLSContext?
    let timeout: TimeAmount
    let longestFrame: Int

    func run(on loop: any NIOCore.EventLoop) async throws -> NetworkCarrier {
        let carrier = NetworkCarrier()
        let ready = loop.makePromise(of: (any Channel).self)
        let timer = loop.scheduleTask(in: timeout) {
            ready.fail(ChannelError.connectTimeout(timeout))
        }
        ready.futureResult.whenComplete { _ in timer.cancel() }
        bootstrap(loop, carrier).connect(host: host, port: Int(port)).whenComplete { result in
            switch result {
            case .failure(let error): ready.fail(error)
            case .success(let channel):
                // Whatever ends the wait, nobody else would close the channel.
                ready.futureResult.whenFailure { _ in channel.close(promise: nil) }
                admission(of: channel).map { channel }.cascade(to: ready)
            }
        }
        let channel = try await withTaskCancellationHandler {
            try await ready.futureResult.get()
        } onCancel: {
            ready.fail(CancellationError())
        }
        carrier.adopt(channel)
        return carrier
    }

    private func bootstrap(
        _ loop: any NIOCore.EventLoop, _ carrier: NetworkCarrier
    ) -> ClientBootstrap {
        ClientBootstrap(group: loop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            // What the server says waits in the socket until somebody wants it; TLS does at once.
            .channelOption(.autoRead, value: tls != nil)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try addHandlers(to: channel, for: carrier)
                }
            }
    }

    /// On the channel's thread.
    private func addHandlers(to channel: any Channel, for carrier: NetworkCarrier) throws {
        let pipeline = channel.pipeline.syncOperations
        if let tls, let context {
            // A number is no name: then the certificate must be for the address that is reached.
            let isNumber = (try? SocketAddress(ipAddress: host, port: 0)) != nil
            try pipeline.addHandlers([
                NIOSSLClientHandler(
                    context: context.context, serverHostname: isNumber ? nil : host),
                AdmissionHandler(
                    tls, revocations: context.revocations, host: host,
                    admitted: channel.eventLoop.makePromise()),
            ])
        }
        try pipeline.addHandler(FrameHandler(carrier, longestFrame: longestFrame))
    }

    /// When the server has admitted us; called on the channel's thread.
    private func admission(of channel: any Channel) -> EventLoopFuture<Void> {
        guard tls != nil else { return channel.eventLoop.makeSucceededVoidFuture() }
        do {
            return try channel.pipeline.syncOperations.handler(type: AdmissionHandler.self)
                .admitted.futureResult
        } catch {
            // It has left already, and says why by closing.
            return channel.eventLoop.makeFailedFuture(error)
        }
    }
}

/// A host that could not be reached.
public struct NetworkConnectionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An address that was tried, and why it did not lead to a connection.
    public struct Attempt: Hashable, Sendable {
        /// The address with its port, or the name that could not be looked up.
        public let address: String
        /// Why it did not lead to a connection.
        public let problem: String
        /// Whether trying again cannot help until somebody changes something.
        public let isRefusal: Bool

        init(address: String, problem: String, isRefusal: Bool = false) {
            self.address = address
            self.problem = problem
            self.isRefusal = isRefusal
        }
    }

    /// What was tried, in order; never empty.
    public let attempts: [Attempt]

    init(_ error: any Error, host: String, port: UInt16) {
        if let error = error as? TLSSetupError {
            attempts = [Attempt(address: error.path, problem: error.problem, isRefusal: true)]
            return
        }
        guard let error = error as? NIOConnectionError else {
            attempts = [
                Attempt(
                    address: "\(host):\(port)", problem: Self.words(for: error),
                    isRefusal: (error as? AdmissionError)?.isFinal ?? false)
            ]
            return
        }
        var attempts = error.connectionErrors.map { failure in
            let number = failure.target.ipAddress ?? host
            return Attempt(
                address: number.contains(":") ? "[\(number)]:\(port)" : "\(number):\(port)",
                problem: Self.words(for: failure.error))
        }
        if attempts.isEmpty {
            let reason = error.dnsAError ?? error.dnsAAAAError
            attempts = [
                Attempt(
                    address: host,
                    problem: "the name cannot be looked up"
                        + (reason.map { ": \(Self.words(for: $0))" } ?? ""))
            ]
        }
        self.attempts = attempts
    }

    private static func words(for error: any Error) -> String {
        switch error {
        case let error as IOError:
            error.errnoCode == ECONNREFUSED
                ? "nobody listens; is libvirtd started with --listen, or its socket enabled?"
                : SystemError(code: error.errnoCode, operation: "").reason
        case ChannelError.connectTimeout: "no answer in time"
        case is SocketAddressError: "no address is known for it"
        case is CancellationError: "it was cancelled"
        default: "\(error)"
        }
    }

    /// Each address with its problem.
    public var description: String {
        attempts.map { "\($0.address): \($0.problem)" }.joined(separator: "; ")
    }
}

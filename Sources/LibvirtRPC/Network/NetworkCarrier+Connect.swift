internal import Glibc
internal import LinuxIO
internal import NIOCore
internal import NIOPosix

extension NetworkCarrier {
    /// Connects to a host's TCP port: to the first of its addresses that answers.
    ///
    /// - Parameters:
    ///   - host: a name or an address.
    ///   - timeout: ends the attempt.
    ///   - longestFrame: the longest frame to accept.
    /// - Throws: `NetworkConnectionError`: each address that was tried, with its outcome.
    public static func connect(
        host: String, port: UInt16, timeout: Duration,
        longestFrame: Int = FrameLimits.longest
    ) async throws(NetworkConnectionError) -> NetworkCarrier {
        let carrier = NetworkCarrier()
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(TimeAmount(timeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            // What the server says waits in the socket until somebody wants it.
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        FrameHandler(carrier, longestFrame: longestFrame))
                }
            }
        do {
            carrier.adopt(try await bootstrap.connect(host: host, port: Int(port)).get())
            return carrier
        } catch {
            throw NetworkConnectionError(error, host: host, port: port)
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
    }

    /// What was tried, in order; never empty.
    public let attempts: [Attempt]

    init(_ error: any Error, host: String, port: UInt16) {
        guard let error = error as? NIOConnectionError else {
            attempts = [Attempt(address: "\(host):\(port)", problem: Self.words(for: error))]
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
        default: "\(error)"
        }
    }

    /// Each address with its problem.
    public var description: String {
        attempts.map { "\($0.address): \($0.problem)" }.joined(separator: "; ")
    }
}

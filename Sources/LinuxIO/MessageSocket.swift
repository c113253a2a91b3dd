internal import Glibc

/// A socket of whole messages, each with descriptors, whose calls wait: for a thread that has nothing
/// else to do meanwhile. One thread at a time.
public final class MessageSocket: Sendable {
    /// A message and what came with it. Frozen, so that other modules can take its parts.
    @frozen
    public struct Message: ~Copyable, Sendable {
        /// Its bytes; none is the end: the peer has closed its socket.
        public let bytes: [UInt8]
        /// Its descriptors, in order.
        public var descriptors: DescriptorQueue
    }

    /// The most descriptors of a message. Source: the kernel's SCM_MAX_FD.
    public static let mostDescriptors = 253

    private let socket: UnixSocket
    private let poller: Poller

    /// Waits on a connected socket of kind `.messages`.
    public init(_ socket: consuming UnixSocket) throws(SystemError) {
        let poller = try Poller()
        try poller.add(socket.descriptor, for: [], token: 0)
        self.socket = socket
        self.poller = poller
    }

    /// Sends a message, and waits for room.
    ///
    /// - Throws: `SystemError`: EPIPE or ECONNRESET when the peer has gone, ETIMEDOUT.
    public func send(
        _ bytes: [UInt8], _ descriptors: borrowing DescriptorQueue = DescriptorQueue(),
        within limit: Duration
    ) throws(SystemError) {
        let end = ContinuousClock.now + limit
        // SAFETY: bytes have no padding that could be uninitialised.
        while try socket.send(unsafe bytes.span.bytes, descriptors: descriptors.all) == nil {
            try wait(for: .writable, until: end)
        }
    }

    /// Waits for a message.
    ///
    /// - Parameter mostBytes: a longer message is an error.
    /// - Throws: `SystemError`: ECONNRESET when the peer has gone, ETIMEDOUT, EMSGSIZE.
    public func receive(
        mostBytes: Int, within limit: Duration
    ) throws(SystemError) -> Message {
        let end = ContinuousClock.now + limit
        var bytes = [UInt8](repeating: 0, count: mostBytes)
        while true {
            var span = bytes.mutableSpan
            // SAFETY: bytes may be anything.
            var memory = unsafe span.mutableBytes
            if let received = try socket.receive(into: &memory) {
                guard !received.lacksDescriptors else {
                    throw SystemError(
                        code: EMFILE, operation: "take the descriptors of a message (ulimit -n)")
                }
                try DescriptorReserve.spare(
                    received.descriptors, "take the descriptors of a message (ulimit -n)")
                guard !received.isTruncated else {
                    throw SystemError(code: EMSGSIZE, operation: "receive a message")
                }
                return Message(
                    bytes: Array(bytes.prefix(received.byteCount)),
                    descriptors: received.descriptors)
            }
            try wait(for: .readable, until: end)
        }
    }

    /// Takes no further message: the peer's next ``send(_:_:within:)`` fails with EPIPE. Those that have
    /// arrived can still be received, and after them the end; so no message is lost in between.
    public func stopReceiving() { socket.shutdownReceiving() }

    private func wait(
        for interest: Readiness, until end: ContinuousClock.Instant
    ) throws(SystemError) {
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else {
            throw SystemError(code: ETIMEDOUT, operation: "wait for the other process")
        }
        try poller.modify(socket.descriptor, for: interest, token: 0)
        let milliseconds = min(left / .milliseconds(1), 60_000).rounded(.up)
        try poller.wait(milliseconds: Int32(milliseconds)) { _, _ in }
    }
}

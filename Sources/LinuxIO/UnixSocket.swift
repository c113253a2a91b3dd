internal import CLinuxIO
internal import Glibc

/// Who is at the other end of a connected UNIX socket, as the kernel recorded it at connect.
///
/// Source: unix(7), SO_PEERCRED.
public struct PeerCredentials: Hashable, Sendable {
    /// The process id. The process may be gone by now, and its id another's.
    public let process: Int32
    /// The effective user id.
    public let user: UInt32
    /// The effective group id.
    public let group: UInt32

    /// Makes credentials from numbers.
    public init(process: Int32, user: UInt32, group: UInt32) {
        self.process = process
        self.user = user
        self.group = group
    }
}

/// How a UNIX socket keeps or loses the borders between writes.
public enum UnixSocketKind: Sendable {
    /// A byte stream (libvirt, vhost-user).
    case stream
    /// A sequence of whole messages (memif's control channel).
    case messages
    /// Single messages without a connection (a service manager's notification socket).
    case datagrams

    var type: Int32 {
        switch self {
        case .stream: Int32(SOCK_STREAM.rawValue)
        case .messages: Int32(SOCK_SEQPACKET.rawValue)
        case .datagrams: Int32(SOCK_DGRAM.rawValue)
        }
    }
}

/// What one receive brought. Frozen, so that other modules can take its parts.
@frozen
public struct Received: ~Copyable, Sendable {
    /// Bytes stored; zero is the end of a stream.
    public var byteCount: Int
    /// Whether the message was longer than the buffer, or more descriptors came than were wanted.
    /// (Surplus descriptors are closed already.)
    public var isTruncated: Bool
    /// Whether descriptors came that could not be had: this process has as many as it may.
    public var lacksDescriptors: Bool
    /// The descriptors that came along, in order.
    public var descriptors: DescriptorQueue

    /// Makes the result of a receive that went another way, as over a test's carrier.
    public init(
        byteCount: Int, isTruncated: Bool, lacksDescriptors: Bool = false,
        descriptors: consuming DescriptorQueue
    ) {
        self.byteCount = byteCount
        self.isTruncated = isTruncated
        self.lacksDescriptors = lacksDescriptors
        self.descriptors = descriptors
    }
}

/// Two sockets connected to each other. Frozen, so that other modules can take its parts.
@frozen
public struct UnixSocketPair: ~Copyable, Sendable {
    /// One end; take it with `consume`.
    public let first: UnixSocket
    /// The other end.
    public let second: UnixSocket
}

/// A connected, non-blocking UNIX socket that passes descriptors.
///
/// One thread receives at a time and one sends at a time; the two may differ.
public struct UnixSocket: ~Copyable, Sendable {
    /// The descriptor, for a poller.
    public let descriptor: OwnedDescriptor

    /// Takes over a connected socket and makes it non-blocking.
    public init(adopting descriptor: consuming OwnedDescriptor) throws(SystemError) {
        try descriptor.setNonblocking(true)
        self.descriptor = descriptor
    }

    /// Connects. A UNIX connect never waits: the listener accepts later, or its backlog is full.
    ///
    /// - Throws: `SystemError`; EAGAIN means that the listener's backlog is full, try again later.
    public static func connect(
        to address: UnixAddress, kind: UnixSocketKind
    ) throws(SystemError) -> UnixSocket {
        let descriptor = try newSocket(kind)
        let number = descriptor.rawValue
        try systemCall("connect to", address.description) {
            unsafe address.withSocketAddress { pointer, length in
                unsafe Glibc.connect(number, pointer, length)
            }
        }
        return try UnixSocket(adopting: descriptor)
    }

    /// Two sockets connected to each other, for tests and for handing one away.
    public static func pair(_ kind: UnixSocketKind) throws(SystemError) -> UnixSocketPair {
        var numbers: (Int32, Int32) = (-1, -1)
        try systemCall("create a socket pair") {
            // SAFETY: socketpair writes two ints, which is what the tuple is.
            unsafe withUnsafeMutableBytes(of: &numbers) { bytes in
                unsafe socketpair(
                    AF_UNIX, kind.type | Int32(SOCK_CLOEXEC.rawValue), 0,
                    bytes.bindMemory(to: Int32.self).baseAddress)
            }
        }
        let first = OwnedDescriptor(adopting: numbers.0)
        let second = OwnedDescriptor(adopting: numbers.1)
        return UnixSocketPair(
            first: try UnixSocket(adopting: first), second: try UnixSocket(adopting: second))
    }

    /// The peer's credentials.
    public borrowing func peerCredentials() throws(SystemError) -> PeerCredentials {
        var result = clinuxio_credentials()
        let number = descriptor.rawValue
        try systemCall("read the peer's credentials") {
            unsafe clinuxio_peer_credentials(number, &result)
        }
        return PeerCredentials(process: result.process, user: result.user, group: result.group)
    }

    /// Sends bytes, with descriptors attached to their first byte, without waiting.
    ///
    /// - Parameters:
    ///   - more: sent behind the bytes, as if they were one.
    ///   - descriptors: numbers that the caller keeps open during the call; the peer gets descriptors of
    ///     its own.
    /// - Returns: bytes taken (for `.messages`, all of them), or nil when the socket's buffer is full.
    /// - Throws: `SystemError`; EPIPE or ECONNRESET when the peer has gone. Never raises SIGPIPE.
    public borrowing func send(
        _ bytes: RawSpan, _ more: RawSpan = RawSpan(), descriptors: [Int32] = []
    ) throws(SystemError) -> Int? {
        while true {
            // SAFETY: the kernel reads the spans' bytes and the array's numbers during the call only.
            let sent = unsafe bytes.withUnsafeBytes { bytes in
                unsafe more.withUnsafeBytes { more in
                    unsafe clinuxio_send(
                        descriptor.rawValue, bytes.baseAddress, bytes.count, more.baseAddress,
                        more.count, descriptors, descriptors.count)
                }
            }
            if sent >= 0 { return sent }
            switch errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SystemError("send to the peer")
            }
        }
    }

    /// Receives bytes (one message, for `.messages`) with any descriptors, without waiting.
    ///
    /// - Parameters:
    ///   - mostDescriptors: how many to keep; the others are closed, here, and reported as truncation.
    ///     Without it all are kept that a message can have.
    ///   - disposal: closes those that are kept, once they are let go of; nil closes them there.
    /// - Returns: nil when there is nothing to read yet.
    /// - Throws: `SystemError`; ECONNRESET when the peer has gone.
    public borrowing func receive(
        into buffer: inout MutableRawSpan, mostDescriptors: Int = 253, disposal: Disposal? = nil
    ) throws(SystemError) -> Received? {
        // SAFETY: the kernel writes within the span.
        try unsafe buffer.withUnsafeMutableBytes { (bytes) throws(SystemError) in
            try unsafe receive(bytes, mostDescriptors, disposal)
        }
    }

    /// As ``receive(into:mostDescriptors:disposal:)``, behind the bytes that are there, into memory that nobody
    /// has written yet.
    public borrowing func receive(
        appendingTo output: inout OutputSpan<UInt8>, mostDescriptors: Int = 253
    ) throws(SystemError) -> Received? {
        // SAFETY: the kernel writes within the room that is left, and as many bytes as it says.
        try unsafe output.withUnsafeMutableBufferPointer { (bytes, count) throws(SystemError) in
            let room = unsafe UnsafeMutableRawBufferPointer(
                UnsafeMutableBufferPointer(rebasing: bytes[count...]))
            guard let received = try unsafe receive(room, mostDescriptors, nil) else { return nil }
            count += received.byteCount
            return received
        }
    }

    private borrowing func receive(
        _ bytes: UnsafeMutableRawBufferPointer, _ mostDescriptors: Int, _ disposal: Disposal?
    ) throws(SystemError) -> Received? {
        while true {
            // SAFETY: the C side says how many numbers it has stored, at most what there is room for.
            let received = unsafe withUnsafeTemporaryAllocation(
                of: Int32.self, capacity: min(mostDescriptors, 253)
            ) { numbers -> Received? in
                var count = 0
                var flags: Int32 = 0
                let byteCount = unsafe clinuxio_receive(
                    descriptor.rawValue, bytes.baseAddress, bytes.count, numbers.baseAddress,
                    numbers.count, &count, &flags)
                guard byteCount >= 0 else { return nil }
                let truncation = Int32(MSG_TRUNC) | Int32(MSG_CTRUNC)
                // Those that are more than wanted come after as many as are wanted.
                let isShort = flags & Int32(MSG_CTRUNC) != 0 && count < numbers.count
                return unsafe Received(
                    byteCount: byteCount, isTruncated: flags & truncation != 0,
                    lacksDescriptors: isShort,
                    descriptors: DescriptorQueue(
                        adopting: numbers[..<count], disposal: disposal))
            }
            if let received { return received }
            switch errno {
            case EINTR: continue
            case EAGAIN: return nil
            default: throw SystemError("receive from the peer")
            }
        }
    }

    /// Whether the next message passes descriptors, and there may be too few left for them, beside the
    /// `DescriptorReserve`. A message has up to 253, and nothing tells how many before they are taken; the
    /// kernel closes those for which it finds no number, here and now.
    ///
    /// - Returns: nil when there is no message yet. One that comes after that has not been looked at.
    public borrowing func nextMayTakeTooManyDescriptors() -> Bool? {
        switch clinuxio_next_passes_descriptors(descriptor.rawValue) {
        case -1: nil
        case 0: false
        default:
            !DescriptorReserve.leavesRoom(beside: descriptor, for: MessageSocket.mostDescriptors)
        }
    }

    /// Ends both directions at once: the peer reads the end of the stream, and so do we.
    public borrowing func shutdown() {
        _ = Glibc.shutdown(descriptor.rawValue, Int32(SHUT_RDWR))
    }

    /// Ends what comes in: the peer's next send fails with EPIPE. What has arrived is still there to be
    /// received.
    public borrowing func shutdownReceiving() {
        _ = Glibc.shutdown(descriptor.rawValue, Int32(SHUT_RD))
    }

    /// Lets the other end pass descriptors, or has its send fail with EPERM (Linux 6.16; before that it may
    /// always).
    public borrowing func letPeerPassDescriptors(_ mayPass: Bool) {
        _ = clinuxio_pass_descriptors(descriptor.rawValue, mayPass ? 1 : 0)
    }

    /// Ends both directions, throws away what has arrived, and closes the socket: at once where no descriptor
    /// is left in it. Those that the peer has passed in messages that nobody has read are closed with it, by
    /// a disposal.
    ///
    /// Messages that were left would turn the end into ECONNRESET at the peer's side, before it could read
    /// our last ones.
    public consuming func close(by disposal: Disposal) {
        shutdown()
        if clinuxio_discard_messages(descriptor.rawValue) == 1 { return }
        let number = descriptor.release()
        disposal.submit {
            // Each time one message with descriptors, and those behind it that have none.
            // SAFETY: one byte on this frame; what does not fit is thrown away, and so are descriptors.
            var byte: UInt8 = 0
            while unsafe recv(number, &byte, 1, Int32(MSG_DONTWAIT)) >= 0,
                clinuxio_discard_messages(number) == 0
            {}
            OwnedDescriptor.close(number)
        }
    }

    /// Closes this descriptor of a socket that goes on elsewhere, by a disposal: should it have come to be the
    /// last one, what nobody has received is closed with it.
    public consuming func letGo(by disposal: Disposal) { disposal.close(descriptor.release()) }

    static func newSocket(_ kind: UnixSocketKind) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try systemCall("create a socket") {
                socket(
                    AF_UNIX,
                    kind.type | Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            })
    }
}

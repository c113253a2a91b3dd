internal import Glibc
public import LinuxIO
public import Memif

/// What a raw peer cannot do.
public struct RawPeerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// One end of a control channel that says what it is told to, byte for byte, true or not.
///
/// It keeps no rules of its own: it is for playing peers that are odd, broken or hostile.
public final class RawPeer: Sendable {
    /// What came.
    public struct Incoming: ~Copyable {
        /// The message.
        public var message: ControlMessage
        /// Its bytes as they came.
        public var bytes: [UInt8]
        /// The descriptors that came along.
        public var descriptors: DescriptorQueue
    }

    private let socket: UnixSocket

    /// A peer over a connected socket.
    public init(_ socket: consuming UnixSocket) { self.socket = socket }

    /// A slave that has just connected; the master's HELLO is on its way.
    public convenience init(connectingTo address: UnixAddress) throws(SystemError) {
        self.init(try UnixSocket.connect(to: address, kind: .messages))
    }

    /// Sends a message as it should be.
    ///
    /// - Parameter descriptors: numbers that the caller keeps open during the call.
    public func send(
        _ message: ControlMessage, descriptors: [Int32] = []
    ) throws(SystemError) {
        let bytes = message.encoded()
        try send(bytes: bytes.indices.map { bytes[$0] }, descriptors: descriptors)
    }

    /// Sends any bytes as one message.
    public func send(bytes: [UInt8], descriptors: [Int32] = []) throws(SystemError) {
        // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
        guard try unsafe socket.send(bytes.span.bytes, descriptors: descriptors) != nil else {
            throw SystemError(code: 11, operation: "send to a peer that does not read")
        }
    }

    /// Ends both directions, as a close does.
    public func hangUp() { socket.shutdown() }

    /// Ends the direction to the other end only: it reads the end, and may go on sending.
    public func finishSending() {
        _ = shutdown(socket.descriptor.rawValue, Int32(SHUT_WR))
    }

    /// Waits for a message.
    ///
    /// - Returns: nil when the other end has closed.
    /// - Throws: `RawPeerError` when nothing came in time, or no message.
    public func receive(
        within limit: Duration = .seconds(20)
    ) async throws(RawPeerError) -> Incoming? {
        let found = try await look(within: limit) { () throws(RawPeerError) in try receiveNow() }
        switch consume found {
        case .message(let incoming): return incoming
        case .closed: return nil
        case nil: throw RawPeerError("no message came within \(limit)")
        }
    }

    /// Waits for a message that must be DISCONNECT, and returns its reason; nil when the other end
    /// closes without one.
    public func receiveDisconnect() async throws(RawPeerError) -> DisconnectReason? {
        while let incoming = try await receive() {
            if case .disconnect(let reason) = incoming.message { return reason }
        }
        return nil
    }

    /// Waits for a message, whichever, and forgets it.
    ///
    /// - Throws: `RawPeerError` when the other end closes, or says anything else than `name`.
    public func expect(_ name: String) async throws(RawPeerError) {
        guard let incoming = try await receive() else {
            throw RawPeerError("the other end closed in place of sending \(name)")
        }
        guard incoming.message.name == name else {
            throw RawPeerError("\(incoming.message) came in place of \(name)")
        }
    }

    private enum Outcome: ~Copyable {
        case closed
        case message(Incoming)
    }

    /// What is there by now, if anything.
    private func receiveNow() throws(RawPeerError) -> Outcome? {
        var bytes = [UInt8](repeating: 0, count: 256)
        var received: Received?
        do throws(SystemError) {
            var span = bytes.mutableSpan
            // SAFETY: as above.
            var raw = unsafe span.mutableBytes
            received = try socket.receive(into: &raw)
        } catch {
            // ECONNRESET: it closed with messages of ours unread.
            if error.code == 104 { return .closed }
            throw RawPeerError(error.description)
        }
        guard var received = received.take() else { return nil }
        if received.byteCount == 0 { return .closed }
        var message = ControlMessage.Bytes(repeating: 0)
        for index in 0..<min(received.byteCount, 128) { message[index] = bytes[index] }
        do throws(ControlMessageError) {
            let decoded = try ControlMessage(decoding: message)
            return .message(
                Incoming(
                    message: decoded, bytes: Array(bytes[..<received.byteCount]),
                    descriptors: exchange(&received.descriptors, with: DescriptorQueue())))
        } catch {
            throw RawPeerError(error.description)
        }
    }
}

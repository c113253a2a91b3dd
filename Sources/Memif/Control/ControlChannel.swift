internal import LinuxIO
internal import Synchronization

/// A connected control socket on an event loop: whole messages in and out, descriptors owned.
///
/// It never waits. A message that the socket has no room for is kept, and nothing more is read until
/// it is gone, so that a peer that does not read cannot make us hold more than this one.
final class ControlChannel: Sendable {
    /// What came.
    enum Input: ~Copyable {
        case message(ControlMessage, DescriptorQueue)
        /// The socket is of no use any more, for the peer's doing or the system's.
        case ended(LinkEnd)
    }

    private struct State: ~Copyable {
        var socket: UnixSocket?
        var watch: EventLoop.Watch?
        var unsent: Unsent?
        /// Whether the loop watches for room to write and not for messages.
        var isWaitingForRoom = false
        /// Whether nothing is read until `resume`.
        var isPaused = false
    }

    private struct Unsent: ~Copyable {
        var bytes: ControlMessage.Bytes
        var descriptor: OwnedDescriptor?
    }

    /// Messages handled in one go, before others on the loop have their turn.
    private static let mostAtOnce = 32
    /// No message carries more than one; one more tells that there were more.
    private static let mostDescriptors = 2

    /// Closes what the peer has passed.
    let disposal: Disposal
    private let loop: EventLoop
    private let state: Mutex<State>

    init(_ socket: consuming UnixSocket, closedBy disposal: Disposal, on loop: EventLoop) {
        self.loop = loop
        self.disposal = disposal
        state = Mutex(State(socket: socket))
    }

    /// Begins to read, unless it does already; the handler runs on the loop's thread, and not again
    /// after `close` there.
    func start(
        _ handler: @escaping @Sendable (consuming Input) -> Void
    ) throws(SystemError) {
        // The watch is set under the lock, so that the handler's first run finds it.
        try state.withLock { state throws(SystemError) in
            guard state.watch == nil else { return }
            state.socket?.letPeerPassDescriptors(true)
            state.watch = try state.socket?.watch(on: loop) { [self] in handleReadiness(handler) }
        }
    }

    /// Sends a message, with a descriptor where one belongs to it; the descriptor is closed here
    /// once it is sent. A peer that has gone is no error: reading will tell, and tell why.
    func send(
        _ message: ControlMessage, _ descriptor: consuming OwnedDescriptor? = nil
    ) throws(SystemError) {
        let unsent = Unsent(bytes: message.encoded(), descriptor: descriptor)
        // An optional, because a closure cannot consume what it captures.
        var handedIn: Unsent? = consume unsent
        try state.withLock { state throws(SystemError) in
            guard state.unsent == nil else {
                throw SystemError(
                    code: 105, operation: "send to a peer that does not read its messages")
            }
            state.unsent = handedIn.take()
            try flush(&state)
        }
    }

    /// Ends it, after DISCONNECT where there is a reason to give. Any thread may call it, and none waits
    /// for what the peer has passed to be closed.
    func close(_ reason: DisconnectReason?) {
        // Both at once: a watch that another thread sets or takes back in between would be forgotten.
        var watch: EventLoop.Watch?
        var taken = state.withLock { state in
            state.unsent = nil
            watch = state.watch.take()
            return state.socket.take()
        }
        guard let socket = taken.take() else { return }
        if let watch { loop.cancel(watch, socket.descriptor) }
        if let reason { _ = try? socket.send(ControlMessage.disconnect(reason).encoded(), nil) }
        socket.close(by: disposal)
    }

    /// Reads nothing more until `resume`. For its handler's use: no message of ours waits then.
    func pause() { listen(for: [], isPaused: true) }

    /// Reads on.
    func resume() { listen(for: .readable, isPaused: false) }

    private func listen(for interest: Readiness, isPaused: Bool) {
        state.withLock { state in
            state.isPaused = isPaused
            guard let watch = state.watch else { return }
            try? state.socket?.update(watch, on: loop, for: interest)
        }
    }

    /// Stops reading, until `start`. What comes meanwhile stays in the socket for whoever goes on with it.
    ///
    /// - Returns: another descriptor of the socket; nil for a channel that is closed, or whose peer has
    ///   yet to read a message of ours: half of it may be kept here.
    func freeze() throws(SystemError) -> OwnedDescriptor? {
        try state.withLock { state throws(SystemError) in
            guard state.unsent == nil, let watch = state.watch.take() else { return nil }
            state.socket?.cancel(watch, on: loop)
            return try state.socket?.duplicate()
        }
    }

    /// Another descriptor of the socket, for a process that is to go on with it should this one crash; nil
    /// as for `freeze`.
    func duplicate() throws(SystemError) -> OwnedDescriptor? {
        try state.withLock { state throws(SystemError) in
            guard state.unsent == nil else { return nil }
            return try state.socket?.duplicate()
        }
    }

    /// Closes our descriptor of the socket without a word: another process goes on with it.
    func abandon() {
        var watch: EventLoop.Watch?
        var taken = state.withLock { state in
            watch = state.watch.take()
            return state.socket.take()
        }
        guard let socket = taken.take() else { return }
        // What has not been frozen is still watched, and the other's descriptor would keep it in the loop's set.
        if let watch { loop.cancel(watch, socket.descriptor) }
        socket.letGo(by: disposal)
    }

    private func handleReadiness(_ handler: @Sendable (consuming Input) -> Void) {
        for _ in 0..<Self.mostAtOnce {
            guard let input = nextInput() else { return }
            handler(input)
        }
    }

    /// The next message, or nil when none is there, one of ours waits, or the channel is closed.
    private func nextInput() -> Input? {
        var input: Input? = nil
        do throws(SystemError) {
            try state.withLock { state throws(SystemError) in
                guard state.watch != nil, !state.isPaused else { return }
                if state.unsent != nil { try flush(&state) }
                guard state.unsent == nil else { return }
                guard let message = try receive(state) else { return }
                input = Self.input(consume message)
            }
            return input
        } catch {
            return .ended(Self.end(of: error))
        }
    }

    /// The next message of the peer's.
    private func receive(
        _ state: borrowing State
    ) throws(SystemError) -> ReceivedMessage? {
        do throws(SystemError) {
            return try state.socket?.receiveMessage(disposal)
        } catch {
            // Told once, and ahead of what the peer said before it closed with messages of ours unread.
            guard error.code == Self.connectionReset else { throw error }
            return try state.socket?.receiveMessage(disposal)
        }
    }

    private static func input(_ message: consuming ReceivedMessage) -> Input {
        let count = message.received.byteCount
        guard count > 0 else { return .ended(.vanished) }
        // The highest number decides for all.
        let isLast = message.received.descriptors.all.max().map(DescriptorReserve.contains) ?? false
        if isLast || message.received.lacksDescriptors {
            return .ended(end(of: .noDescriptorForPeer))
        }
        let descriptorCount = message.received.descriptors.count
        guard !message.received.isTruncated, descriptorCount <= mostDescriptors else {
            return .ended(
                .violation("a message longer than 128 bytes or with more than two descriptors"))
        }
        do throws(ControlMessageError) {
            guard count == MemifProtocol.messageByteCount else {
                throw .wrongLength(count)
            }
            let decoded = try ControlMessage(decoding: message.bytes)
            let descriptors = exchange(
                &message.received.descriptors, with: DescriptorQueue())
            return .message(decoded, descriptors)
        } catch {
            return .ended(.violation(error.description))
        }
    }

    /// Sends what waits, as far as the socket has room, and watches for room where it has none.
    private func flush(_ state: inout State) throws(SystemError) {
        guard let unsent = state.unsent.take() else { return }
        var isSent = true
        do {
            isSent = try state.socket?.send(unsent.bytes, unsent.descriptor) ?? true
        } catch {
            // EPIPE: the peer has gone; what it said before it went is still to be read.
            if error.code != 32, error.code != Self.connectionReset { throw error }
        }
        if !isSent { state.unsent = consume unsent }
        guard state.isWaitingForRoom == isSent, let watch = state.watch else { return }
        state.isWaitingForRoom = !isSent
        try state.socket?.update(watch, on: loop, for: isSent ? .readable : .writable)
    }

    /// ECONNRESET: the peer closed with messages of ours unread.
    private static let connectionReset: Int32 = 104

    private static func end(of error: SystemError) -> LinkEnd {
        if error.code == connectionReset { return .vanished }
        return LinkEnd(error)
    }
}

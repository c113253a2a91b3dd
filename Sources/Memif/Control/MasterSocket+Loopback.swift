public import LinuxIO
internal import Synchronization

extension MasterSocket {
    /// A channel to this socket that is connected already: to hand to a slave that may not open the
    /// socket's path. The handshake begins at once, and waits for the slave as long as for any.
    ///
    /// - Parameter peer: who is going to be at the other end; nil where that is this process.
    /// - Throws: `SystemError` when descriptors have run out.
    public func openChannel(
        for peer: PeerCredentials?
    ) throws(SystemError) -> OwnedDescriptor {
        let pair = try UnixSocket.pair(.messages)
        let known = peer ?? (try? pair.first.peerCredentials())
        let disposal = try Disposal(of: known?.user, on: loop)
        // Who gets no link now will be told so, and leaves nothing behind.
        if disposal.problem != nil { pair.first.letPeerPassDescriptors(false) }
        let ours = HandedOver(
            try UnixSocket(adopting: pair.first.descriptor.duplicate()), closedBy: disposal)
        let theirs = try pair.second.descriptor.duplicate()
        state.withLock { $0.channelsToBegin += 1 }
        loop.submit { [weak self] in
            guard let self else { return }
            if let socket = ours.take() { admit(socket, as: peer) }
            state.withLock { $0.channelsToBegin -= 1 }
        }
        return theirs
    }

    /// An interface of a slave whose master is an interface of this very socket: both ends of a link
    /// in one program. It needs no address, and connects again as any slave does.
    ///
    /// - Parameters:
    ///   - reconnect: when to try again; nil makes one attempt only.
    ///   - handshakeTimeout: how long each end may take for its next message.
    /// - Throws: `MemifError` with `.invalidConfiguration`.
    public func connect(
        _ configuration: InterfaceConfiguration, reconnect: ReconnectPolicy? = ReconnectPolicy(),
        handshakeTimeout: Duration = .seconds(5)
    ) throws(MemifError) -> MemifInterface {
        let dial: SlaveConnector.Dial = { [weak self] () throws(SystemError) in
            // ECONNREFUSED: as at an address where nobody listens any more.
            guard let self else {
                throw SystemError(code: 111, operation: "connect to a memif socket that is gone")
            }
            let pair = try UnixSocket.pair(.messages)
            // An end cannot be taken out of a pair of another module.
            admit(try UnixSocket(adopting: pair.first.descriptor.duplicate()))
            return try UnixSocket(adopting: pair.second.descriptor.duplicate())
        }
        return try MemifInterface.connect(dial, configuration, loop, reconnect, handshakeTimeout)
    }
}

/// A socket on its way to the event loop's thread. Should it never come there, a disposal closes it with what
/// has been passed meanwhile.
private final class HandedOver: Sendable {
    private let socket: Mutex<UnixSocket?>
    private let disposal: Disposal

    init(_ socket: consuming UnixSocket, closedBy disposal: Disposal) {
        self.socket = Mutex(consume socket)
        self.disposal = disposal
    }

    deinit {
        var taken = take()
        if let socket = taken.take() { socket.close(by: disposal) }
    }

    func take() -> UnixSocket? { socket.withLock { $0.take() } }
}

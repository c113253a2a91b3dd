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
        if Disposal.refusesSomebody { pair.first.letPeerPassDescriptors(false) }
        let ours = HandedOver(try UnixSocket(adopting: pair.first.descriptor.duplicate()))
        let theirs = try pair.second.descriptor.duplicate()
        state.withLock { $0.channelsToBegin += 1 }
        loop.submit { [weak self] in
            if let socket = ours.take() { self?.admit(socket, as: peer) }
            self?.state.withLock { $0.channelsToBegin -= 1 }
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

/// A socket on its way to the event loop's thread.
private final class HandedOver: Sendable {
    private let socket: Mutex<UnixSocket?>

    init(_ socket: consuming UnixSocket) { self.socket = Mutex(consume socket) }

    func take() -> UnixSocket? { socket.withLock { $0.take() } }
}

internal import LinuxIO

extension MasterSocket {
    /// An interface of a slave whose master is an interface of this very socket: both ends of a link
    /// in one program. It needs no address, and connects again as any slave does.
    ///
    /// - Parameters:
    ///   - reconnect: when to try again; nil makes one attempt only.
    ///   - handshakeTimeout: how long the handshake may take.
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

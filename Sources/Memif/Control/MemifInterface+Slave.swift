public import LinuxIO

extension MemifInterface {
    /// An interface of a slave, which connects to a master's socket as often as it takes.
    ///
    /// Whoever holds the interface keeps it going; let go of, or removed, it disconnects.
    ///
    /// - Parameters:
    ///   - address: the master's socket.
    ///   - namespace: the network namespace in which an abstract address is meant; nil for our own.
    ///   - reconnect: when to try again; nil makes one attempt only.
    ///   - handshakeTimeout: how long the master may take for its next message, from connecting to
    ///     CONNECTED, and no more than six times that in all.
    ///   - admits: whether a master with these credentials is the right one; nil trusts whoever
    ///     listens at the address, which for an abstract one is any program of this host.
    /// - Throws: `MemifError` with `.invalidConfiguration`. That nobody listens, or that the master
    ///   refuses, comes as an event.
    public static func connect(
        to address: UnixAddress, in namespace: NetworkNamespace? = nil,
        _ configuration: InterfaceConfiguration, on loop: EventLoop,
        reconnect: ReconnectPolicy? = ReconnectPolicy(), handshakeTimeout: Duration = .seconds(5),
        admits: (@Sendable (PeerCredentials) -> Bool)? = nil
    ) throws(MemifError) -> MemifInterface {
        let dial: SlaveConnector.Dial = { () throws(SystemError) in
            if let namespace, address.isAbstract {
                return try namespace.connect(to: address, kind: .messages)
            }
            return try UnixSocket.connect(to: address, kind: .messages)
        }
        return try connect(dial, configuration, loop, reconnect, handshakeTimeout, admits)
    }

    /// An interface of a slave whose connections come from a function.
    static func connect(
        _ dial: @escaping SlaveConnector.Dial, _ configuration: InterfaceConfiguration,
        _ loop: EventLoop, _ reconnect: ReconnectPolicy?, _ handshakeTimeout: Duration,
        _ admits: (@Sendable (PeerCredentials) -> Bool)? = nil
    ) throws(MemifError) -> MemifInterface {
        let (interface, connector) = try makeSlave(
            dial, configuration, loop, reconnect, handshakeTimeout, admits)
        loop.submit { connector.attempt() }
        return interface
    }

    /// An interface of a slave over a socket that is connected already: handed in by whoever may
    /// open the path. There is one attempt.
    ///
    /// - Throws: `MemifError` with `.invalidConfiguration`.
    public static func connect(
        over socket: consuming UnixSocket, _ configuration: InterfaceConfiguration,
        on loop: EventLoop, handshakeTimeout: Duration = .seconds(5)
    ) throws(MemifError) -> MemifInterface {
        let (interface, connector) = try makeSlave(
            nil, configuration, loop, nil, handshakeTimeout, nil)
        connector.use(socket)
        return interface
    }

    private static func makeSlave(
        _ dial: SlaveConnector.Dial?, _ configuration: InterfaceConfiguration, _ loop: EventLoop,
        _ reconnect: ReconnectPolicy?, _ handshakeTimeout: Duration,
        _ admits: (@Sendable (PeerCredentials) -> Bool)?
    ) throws(MemifError) -> (MemifInterface, SlaveConnector) {
        let connector = SlaveConnector(
            dial, configuration: configuration, geometry: try configuration.slaveGeometry(),
            policy: reconnect, handshakeTimeout: handshakeTimeout, admits: admits, loop: loop)
        let interface = MemifInterface(
            role: .slave, configuration: configuration, loop: loop, isTriedOnce: reconnect == nil
        ) { connector.stop($0) }
        connector.setInterface(interface)
        return (interface, connector)
    }
}

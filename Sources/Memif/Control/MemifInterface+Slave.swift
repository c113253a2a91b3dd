public import LinuxIO

extension MemifInterface {
    /// An interface of a slave, which connects to a master's socket as often as it takes.
    ///
    /// Whoever holds the interface keeps it going; let go of, or removed, it disconnects.
    ///
    /// - Parameters:
    ///   - address: the master's socket.
    ///   - reconnect: when to try again; nil makes one attempt only.
    ///   - handshakeTimeout: how long the master may take from connecting to CONNECTED.
    /// - Throws: `MemifError` with `.invalidConfiguration`. That nobody listens, or that the master
    ///   refuses, comes as an event.
    public static func connect(
        to address: UnixAddress, _ configuration: InterfaceConfiguration, on loop: EventLoop,
        reconnect: ReconnectPolicy? = ReconnectPolicy(), handshakeTimeout: Duration = .seconds(5)
    ) throws(MemifError) -> MemifInterface {
        let (interface, connector) = try makeSlave(
            address, configuration, loop, reconnect, handshakeTimeout)
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
            nil, configuration, loop, nil, handshakeTimeout)
        connector.use(socket)
        return interface
    }

    private static func makeSlave(
        _ address: UnixAddress?, _ configuration: InterfaceConfiguration, _ loop: EventLoop,
        _ reconnect: ReconnectPolicy?, _ handshakeTimeout: Duration
    ) throws(MemifError) -> (MemifInterface, SlaveConnector) {
        let connector = SlaveConnector(
            to: address, configuration: configuration,
            geometry: try configuration.slaveGeometry(), policy: reconnect,
            handshakeTimeout: handshakeTimeout, loop: loop)
        let interface = MemifInterface(role: .slave, configuration: configuration, loop: loop) {
            connector.stop($0)
        }
        connector.setInterface(interface)
        return (interface, connector)
    }
}

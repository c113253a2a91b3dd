internal import ArgumentParser
internal import LinuxIO
internal import Memif

/// Which memif interface is meant, at which end.
struct MemifOptions: ParsableArguments {
    @Option(help: "Which end to be.")
    var role: MemifRole

    @Option(help: "The socket's path; @NAME is a name in the abstract namespace.")
    var socket: String

    @Option(help: "The interface's id, by which the socket's interfaces are told apart.")
    var id: UInt32 = 0

    @Option(help: "The secret that both ends must know: 1 to 24 bytes.")
    var secret: String?

    /// The interface as far as these options say.
    func configuration() throws -> InterfaceConfiguration {
        InterfaceConfiguration(
            id: id, name: "virtwire", secret: try secret.map { try Secret($0) })
    }

    /// Listens as a master, or begins to connect as a slave.
    ///
    /// - Parameter reconnect: when a slave tries again; nil makes one attempt only.
    func open(
        _ configuration: InterfaceConfiguration, reconnect: ReconnectPolicy?
    ) throws -> OpenInterface {
        let loop = try EventLoop.start(name: "memif-control")
        let address = try UnixAddress(socket)
        switch role {
        case .master:
            let socket = try MasterSocket.listen(at: address, on: loop)
            return OpenInterface(interface: try socket.add(configuration), socket: socket)
        case .slave:
            let interface = try MemifInterface.connect(
                to: address, configuration, on: loop, reconnect: reconnect)
            return OpenInterface(interface: interface, socket: nil)
        }
    }
}

/// An interface, with the socket that it is reached through.
struct OpenInterface: Sendable {
    let interface: MemifInterface
    let socket: MasterSocket?

    /// Tells the peer and takes everything away.
    func close() {
        let reason = DisconnectReason(.administrative, "virtwire has been ended")
        interface.remove(reason)
        socket?.close(reason)
    }
}

internal import ArgumentParser
internal import Glibc
internal import LinuxIO
internal import Memif

/// Which memif interface is meant, at which end.
struct MemifOptions: ParsableArguments {
    @Option(help: "Which end to be.")
    var role: MemifRole

    @Option(
        help: ArgumentHelp(
            "The socket's path; @NAME is a name in the abstract namespace.",
            discussion: "fd:3 is a connected channel that has been passed as descriptor 3."))
    var socket: String

    @Option(
        help: ArgumentHelp(
            "The interface's id, by which the socket's interfaces are told apart.",
            discussion: "Without it 0; for a passed channel what VIRTWIRE_MEMIF_ID says."))
    var id: UInt32?

    @Option(help: "The secret that both ends must know: 1 to 24 bytes.")
    var secret: String?

    func validate() throws {
        if socket.isEmpty || socket == "@" { throw ValidationError("--socket is empty") }
        if PassedChannel.isNamed(by: socket) {
            guard PassedChannel.number(of: socket) != nil else {
                throw ValidationError(
                    "'\(socket)' is no passed channel: write fd: and its number, such as fd:3")
            }
            guard role == .slave else { throw ValidationError("\(socket) needs --role slave") }
        }
        do throws(MemifError) {
            _ = try configuration()
        } catch {
            throw ValidationError("--secret: \(error)")
        }
    }

    /// The id that is meant.
    private var interfaceID: UInt32 {
        id ?? (PassedChannel.isNamed(by: socket) ? PassedChannel.id : nil) ?? 0
    }

    /// The interface as far as these options say.
    func configuration() throws(MemifError) -> InterfaceConfiguration {
        var configuration = InterfaceConfiguration(id: interfaceID, name: "virtwire")
        if let secret { configuration.secret = try Secret(secret) }
        return configuration
    }

    /// Listens as a master, or begins to connect as a slave.
    ///
    /// - Parameter reconnect: when a slave tries again; nil makes one attempt only.
    func open(
        _ configuration: InterfaceConfiguration, reconnect: ReconnectPolicy?
    ) throws -> OpenInterface {
        try MemifEndpoint(role: role, socket: socket).open(configuration, reconnect: reconnect)
    }

    /// Waits for the link; an attempt that fails is the end where none follows.
    ///
    /// - Parameter wait: how many seconds; nil waits for a slave without end, and tries a master once.
    func link(of interface: MemifInterface, within wait: Double?) async throws -> MemifLink {
        do {
            guard role == .slave, wait == nil else {
                return try await interface.waitForLink(within: wait.map { .seconds($0) })
            }
            for await event in interface.events() {
                switch event {
                case .up(let link): return link
                case .down(let end), .failed(let end, _): throw failure(end)
                }
            }
            throw CancellationError()
        } catch let error as MemifError where error.code == .timedOut {
            throw CommandFailure(.timedOut, "\(error.message) (\(socket), id \(interfaceID))")
        }
    }

    /// What is to be said when no link came up: how the attempt ended, and what to do.
    func failure(_ end: LinkEnd) -> CommandFailure {
        let remedy =
            switch end.cause {
            case .system: end.systemError.flatMap { advice($0.code) } ?? ""
            case .peerVanished:
                "; is it a memif master, and does it have an interface with id \(interfaceID)?"
            case .peer, .local, .refused, .timedOut: ""
            }
        return CommandFailure(.failed, "\(end)\(remedy)")
    }

    /// What to do about a socket that cannot be connected to.
    private func advice(_ code: Int32) -> String? {
        switch code {
        case ECONNREFUSED where (try? SocketFile.probe(socket)) == .foreign:
            "; what stands there is no socket: name the master's"
        case ENOENT, ECONNREFUSED:
            "; does a master listen there? (--wait SECONDS waits for one)"
        case EPROTOTYPE: "; what listens there is no memif master: name the master's socket"
        case EACCES, EPERM:
            "; you may not open it: join its group, or have it passed by virtwire memif open"
        default: nil
        }
    }
}

/// A memif socket at one end, by its path.
struct MemifEndpoint {
    let role: MemifRole
    let socket: String

    /// Listens as a master, or begins to connect as a slave.
    func open(
        _ configuration: InterfaceConfiguration, reconnect: ReconnectPolicy?
    ) throws -> OpenInterface {
        let loop = try EventLoop.start(name: "memif-control")
        switch role {
        case .master:
            let socket = try listen(at: UnixAddress(socket), on: loop)
            return OpenInterface(interface: try socket.add(configuration), socket: socket)
        case .slave where PassedChannel.isNamed(by: socket):
            let interface = try MemifInterface.connect(
                over: PassedChannel.take(socket), configuration, on: loop)
            return OpenInterface(interface: interface, socket: nil)
        case .slave:
            let interface = try MemifInterface.connect(
                to: UnixAddress(socket), configuration, on: loop, reconnect: reconnect)
            return OpenInterface(interface: interface, socket: nil)
        }
    }

    private func listen(at address: UnixAddress, on loop: EventLoop) throws -> MasterSocket {
        do throws(MemifError) {
            return try MasterSocket.listen(at: address, on: loop)
        } catch {
            let remedy =
                switch error.systemError?.code {
                case ENOENT, ENOTDIR: "make its directory first"
                case EEXIST: "what stands there is no socket: name another path"
                case EADDRINUSE: "another program listens there: name another path, or end it"
                case EACCES, EPERM, EROFS: "name a path in a directory that you may write"
                default: "name another path"
                }
            throw CommandFailure(.failed, "\(error); \(remedy)")
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

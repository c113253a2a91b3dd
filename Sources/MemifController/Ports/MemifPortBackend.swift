internal import LinuxIO
public import Logging
internal import Memif
internal import Synchronization

/// Ports over memif: one control thread and one packet thread serve them all.
public final class MemifPortBackend: PortBackend {
    let loop: EventLoop
    private let worker: PacketWorker
    let logger: Logger
    private let log = PeerLog()
    /// What another process has left; set once, before any port is opened.
    let inherited = Mutex(InheritedPorts())
    private let peersCome = Mutex<@Sendable (PeerNotice) -> Void>({ _ in })
    /// Where it is kept what ports are made of; nil where nobody keeps it.
    let crashStates = Mutex<MemifPort.CrashNotice?>(nil)
    private let linksChanged = Mutex<@Sendable (VMIdentifier, String) -> Void>({ _, _ in })

    /// Starts both threads.
    ///
    /// - Throws: `PortError` when the system has no room for them.
    public init(logger: Logger) throws(PortError) {
        self.logger = logger
        do {
            loop = try EventLoop.start(name: "memif-control")
            worker = try PacketWorker.start()
        } catch {
            throw PortError(
                reason: "the memif threads cannot be started: \(error)",
                remedy: "raise the limits on threads and descriptors")
        }
    }

    deinit {
        worker.stop()
        loop.stop()
    }

    /// Opens a port's socket.
    public func open(_ specification: PortSpecification) throws(PortError) -> any Port {
        let configuration = try interfaceConfiguration(specification)
        if let port = try claim(specification) { return port }
        let port = try place(specification, configuration)
        port.thaw()
        return port
    }

    /// A new port, which stands still: who has found its socket already is not accepted before the interface
    /// is there and knows whom it serves.
    private func place(
        _ specification: PortSpecification, _ configuration: InterfaceConfiguration
    ) throws(PortError) -> MemifPort {
        let placed = try PlacedListener(specification)
        let identity = placed.identity
        do throws(MemifError) {
            let socket = try MasterSocket(
                placed.listener, on: loop, options: options(specification), frozen: true)
            return port(specification, try socket.add(configuration), socket, identity)
        } catch {
            SocketFile.remove(specification.path, ifStill: identity)
            throw PortError(
                reason: "the socket cannot be served: \(error)",
                remedy: "leave the daemon descriptors")
        }
    }

    /// As ``PortBackend`` has it.
    public func whenLinksChange(_ body: @escaping @Sendable (VMIdentifier, String) -> Void) {
        linksChanged.withLock { $0 = body }
    }

    /// As ``PortBackend`` has it.
    public func whenPeersCome(_ body: @escaping @Sendable (PeerNotice) -> Void) {
        peersCome.withLock { $0 = body }
    }

    /// As ``PortBackend`` has it.
    public func whenCrashStatesChange(
        _ body: @escaping @Sendable (String, @escaping @Sendable () -> FrozenPort?) -> Void
    ) {
        crashStates.withLock { $0 = body }
    }

    /// Has both threads answer.
    public func comeRound() async {
        // A stream, for its end can be that of the task too: a thread that is stuck never answers.
        let (rounds, round) = AsyncStream.makeStream(of: Void.self)
        loop.submit { [worker] in worker.submit { round.finish() } }
        for await _ in rounds {}
    }

    /// As ``PortBackend`` has it.
    public func flushLog(until deadline: ContinuousClock.Instant) async {
        await log.flush(until: deadline)
    }

    /// A port of its parts, which stands still, as its socket does.
    func port(
        _ specification: PortSpecification, _ interface: MemifInterface, _ socket: MasterSocket,
        _ identity: FileIdentity, _ inherited: MemifPort.Inherited? = nil
    ) -> MemifPort {
        let linksChanged = linksChanged.withLock(\.self)
        return MemifPort(
            specification, interface, socket, identity, inherited, loop: loop, worker: worker,
            logger: logger, log: log, peerCame: peersCome.withLock(\.self),
            keep: crashStates.withLock(\.self)
        ) {
            linksChanged(specification.vm, specification.domainName)
        }
    }

    func options(_ specification: PortSpecification) -> MasterSocket.Options {
        var options = MasterSocket.Options()
        // Who may connect the kernel has decided, by the file's mode; user and groups alone would refuse some
        // whom that admits with right, by a capability.
        options.admits = { [logger, log] peer in
            log.note(
                "peer connects", at: .debug, by: logger,
                [
                    "vm": "\(specification.vm)", "domain": "\(specification.domainName.printable)",
                    "port": "\(specification.declaration.name)",
                    "pid": "\(peer.process)", "uid": "\(peer.user)", "gid": "\(peer.group)",
                ])
            return true
        }
        return options
    }

    func interfaceConfiguration(
        _ specification: PortSpecification
    ) throws(PortError) -> InterfaceConfiguration {
        let declaration = specification.declaration
        var configuration = InterfaceConfiguration(
            id: declaration.id, name: "\(specification.domainName)/\(declaration.name)",
            secret: nil, mode: declaration.mode == .ip ? .ip : .ethernet)
        configuration.limits.queues = QueueCounts(pairs: declaration.queues)
        configuration.limits.ringSize = declaration.ringSize
        configuration.limits.regionBytes = specification.memory
        configuration.bufferSize = declaration.bufferSize
        if let secret = specification.secret {
            (configuration.secret, configuration.formerSecret) = try Secret.pair(secret)
        }
        return configuration
    }
}

extension Secret {
    /// As memif has them.
    static func pair(_ secret: PortSecret) throws(PortError) -> (present: Secret, former: Secret?) {
        do throws(MemifError) {
            let present = try Secret(String(decoding: secret.present, as: UTF8.self))
            guard let former = secret.former else { return (present, nil) }
            return (present, try Secret(String(decoding: former, as: UTF8.self)))
        } catch {
            throw PortError(reason: "\(error)", remedy: "write another secret")
        }
    }
}

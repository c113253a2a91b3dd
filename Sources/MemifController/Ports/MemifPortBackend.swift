internal import LinuxIO
public import Logging
internal import Memif

/// Ports over memif: one control thread and one packet thread serve them all.
public final class MemifPortBackend: PortBackend {
    private let loop: EventLoop
    private let worker: PacketWorker
    private let logger: Logger

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
        try Self.checkPlace(specification.path)
        let configuration = try interfaceConfiguration(specification)
        do {
            let listener = try SocketFile.listen(
                at: specification.path, kind: .messages, mode: PortSpecification.mode,
                user: specification.user, group: specification.group)
            let identity = try FileStatus(path: specification.path).identity
            let socket = try MasterSocket(listener, on: loop, options: options(specification))
            return MemifPort(
                specification, try socket.add(configuration), socket, identity,
                worker: worker, logger: logger)
        } catch {
            throw PortError(
                reason: "the socket cannot be made: \(error)",
                remedy: "make its directory writable for the daemon, and leave it descriptors")
        }
    }

    /// What nobody holds is replaced; what somebody holds, or what is no socket, is left alone.
    private static func checkPlace(_ path: String) throws(PortError) {
        let state: SocketFileState
        do throws(SystemError) {
            state = try SocketFile.probe(path)
        } catch {
            throw PortError(
                reason: "what stands at the socket's path cannot be told: \(error)",
                remedy: "make its directory accessible for the daemon")
        }
        switch state {
        case .absent, .stale: return
        case .live:
            throw PortError(
                reason: "another program listens at \(path)",
                remedy: "stop that program; its socket is left alone")
        case .foreign:
            throw PortError(
                reason: "something that is no socket stands at \(path)",
                remedy: "move it away")
        }
    }

    private func options(_ specification: PortSpecification) -> MasterSocket.Options {
        var options = MasterSocket.Options()
        options.admits = { [logger] peer in
            logger.debug(
                "peer connects",
                metadata: [
                    "vm": "\(specification.vm)", "port": "\(specification.declaration.name)",
                    "pid": "\(peer.process)", "uid": "\(peer.user)", "gid": "\(peer.group)",
                ])
            return true
        }
        return options
    }

    private func interfaceConfiguration(
        _ specification: PortSpecification
    ) throws(PortError) -> InterfaceConfiguration {
        let declaration = specification.declaration
        var configuration = InterfaceConfiguration(
            id: declaration.id, name: "\(specification.domainName)/\(declaration.name)",
            secret: nil, mode: declaration.mode == .ip ? .ip : .ethernet)
        configuration.limits.queues = QueueCounts(pairs: declaration.queues)
        configuration.limits.ringSize = declaration.ringSize
        configuration.bufferSize = declaration.bufferSize
        if let bytes = specification.secret {
            do throws(MemifError) {
                configuration.secret = try Secret(String(decoding: bytes, as: UTF8.self))
            } catch {
                throw PortError(reason: "\(error)", remedy: "write another secret")
            }
        }
        return configuration
    }
}

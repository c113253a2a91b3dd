internal import Glibc
internal import LibvirtRPC
internal import LinuxIO
internal import Logging
internal import Synchronization

/// One control socket and its clients.
final class ControlSocket: Sendable {
    private struct State {
        var server: LinkServer?
        /// Which file is ours: somebody may take it away.
        var identity: FileIdentity
        /// Why it cannot be put back, as was said last.
        var problem: String?
    }

    private let path: String
    private let access: ControlAccess
    private let host: Host
    private let state: Mutex<State>

    /// Starts to answer.
    ///
    /// - Parameter inherited: the listener of a process in whose place this one goes on.
    init(
        _ access: ControlAccess, _ host: Host, _ procedures: ControlProcedures,
        _ inherited: consuming OwnedDescriptor?, loop: EventLoop
    ) throws(PortError) {
        path = access.path(host.layout)
        self.access = access
        self.host = host
        do throws(SystemError) {
            let listener: UnixListener
            let identity: FileIdentity
            if let inherited, (try? SocketFile.probe(path)) == .live {
                listener = try UnixListener(adopting: inherited)
                identity = try FileStatus(path: path).identity
                Self.adjust(path, identity, access, host)
            } else {
                listener = try Self.listen(path, access, host)
                identity = try FileStatus(path: path).identity
            }
            state = Mutex(State(identity: identity))
            try start(listener, procedures, loop)
        } catch {
            throw PortError(
                reason: "the control socket cannot be made: \(error)",
                remedy: "move away what stands at \(path), or name another --runtime-directory")
        }
    }

    /// A new socket; its user's alone where the user may not give it to the group.
    private static func listen(
        _ path: String, _ access: ControlAccess, _ host: Host
    ) throws(SystemError) -> UnixListener {
        let (mode, group) = access.permissions(host.adminGroup)
        do throws(SystemError) {
            return try SocketFile.listenUnlessTaken(
                at: path, kind: .stream, mode: mode, group: group)
        } catch {
            guard error.code == EPERM, group != nil else { throw error }
            tell(error, path, host)
            return try SocketFile.listenUnlessTaken(
                at: path, kind: .stream, mode: access.permissions(nil).mode)
        }
    }

    /// Gives a socket of the process before the permissions of today's settings. It has links to keep, so
    /// this is no reason to end.
    private static func adjust(
        _ path: String, _ identity: FileIdentity, _ access: ControlAccess, _ host: Host
    ) {
        let (mode, group) = access.permissions(host.adminGroup)
        do throws(SystemError) {
            try SocketFile.adjust(path, ifStill: identity, mode: mode, user: nil, group: group)
        } catch {
            tell(error, path, host)
            let alone = access.permissions(nil).mode
            try? SocketFile.adjust(path, ifStill: identity, mode: alone, user: nil, group: nil)
        }
    }

    private static func tell(_ error: SystemError, _ path: String, _ host: Host) {
        host.logger.error(
            "only root and the daemon's user may administer it: the socket cannot be given to the group",
            metadata: [
                "socket": "\(path)", "reason": "\(error)",
                "remedy": "make the daemon's user a member, or name another --admin-group",
            ])
    }

    private func start(
        _ listener: consuming UnixListener, _ procedures: ControlProcedures, _ loop: EventLoop
    ) throws(SystemError) {
        let (access, logger) = (access, host.logger)
        var listener: UnixListener? = consume listener
        // Under the lock, so that the first client that comes finds the server that it came to.
        try state.withLock { (state) throws(SystemError) in
            guard let listener = listener.take() else { return }
            state.server = try LinkServer.start(listener, loop: loop) { [weak self] client in
                let caller = ControlCaller(access, client.credentials) {
                    self?.state.withLock(\.server)?.link(of: client.id)
                }
                logger.debug("control client", metadata: caller.metadata)
                let table = procedures.table(for: caller)
                return LinkHandlers(
                    answer: { await table.answer($0) }, ended: { _ in caller.hasEnded() })
            }
        }
    }

    /// Puts the socket back where somebody has taken it away; clients that are connected stay so.
    func restore() {
        let isBack = state.withLock { state in
            guard let server = state.server else { return false }
            if let file = try? FileStatus(path: path), file.identity == state.identity {
                state.problem = nil
                return false
            }
            do throws(SystemError) {
                let listener = try Self.listen(path, access, host)
                state.identity = try FileStatus(path: path).identity
                server.replaceListener(listener)
                return true
            } catch {
                let isNews = state.problem != "\(error)"
                state.problem = "\(error)"
                if isNews { tellLost(error) }
                return false
            }
        }
        if isBack {
            host.logger.warning(
                "the control socket had been taken away, and is back",
                metadata: ["socket": "\(path)"])
        }
    }

    private func tellLost(_ error: SystemError) {
        host.logger.error(
            "the control socket has been taken away, and cannot be put back",
            metadata: [
                "socket": "\(path)", "reason": "\(error)",
                "remedy": "move away what stands there; it is tried again",
            ])
    }

    /// Ends every client's link and removes the socket.
    func stop() {
        SocketFile.remove(path, ifStill: state.withLock(\.identity))
        leave()
    }

    /// Ends every client's link and leaves the socket to another process.
    func leave() { state.withLock { $0.server.take() }?.stop() }

    /// Another descriptor of the listener.
    func duplicateListener() throws(SystemError) -> OwnedDescriptor {
        guard let server = state.withLock(\.server) else {
            throw SystemError(code: EBADF, operation: "hand over", subject: path)
        }
        return try server.duplicateListener()
    }
}

/// A client of a control socket.
final class ControlCaller: Sendable {
    private enum Watching {
        case not
        case through(Task<Void, Never>)
        case over
    }

    let access: ControlAccess
    /// Who it is; nil where the kernel does not say.
    let credentials: PeerCredentials?
    private let findLink: @Sendable () -> Link?
    private let watching = Mutex(Watching.not)

    init(
        _ access: ControlAccess, _ credentials: PeerCredentials?,
        _ findLink: @escaping @Sendable () -> Link?
    ) {
        self.access = access
        self.credentials = credentials
        self.findLink = findLink
    }

    /// Its link, to send events over; nil once it has ended.
    var link: Link? { findLink() }

    /// Who it is, for a log.
    var metadata: Logger.Metadata {
        guard let credentials else { return [:] }
        return [
            "pid": "\(credentials.process)", "uid": "\(credentials.user)",
            "gid": "\(credentials.group)",
        ]
    }

    /// Has what watches run until the client is gone; a client has one watch at most.
    ///
    /// - Returns: whether it runs: not when one does already.
    func watch(_ run: @escaping @Sendable () async -> Void) -> Bool {
        watching.withLock { watching in
            guard case .not = watching else { return false }
            watching = .through(Task { await run() })
            return true
        }
    }

    /// Its link has ended.
    func hasEnded() {
        watching.withLock { watching in
            if case .through(let task) = watching { task.cancel() }
            watching = .over
        }
    }
}

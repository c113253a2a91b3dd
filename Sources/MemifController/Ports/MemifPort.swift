internal import LinuxIO
internal import Logging
internal import Memif
internal import Synchronization

/// A port over memif: a master's socket with one interface, whose links one worker serves.
final class MemifPort: Port {
    struct State {
        var specification: PortSpecification
        /// Which socket file is the port's.
        var identity: FileIdentity
        /// The newest link, up or not: its counters go on counting until the worker lets go of it. No
        /// worker serves it while the port stands still.
        var link: (link: MemifLink, attachment: PacketAttachment?)?
        /// What went through the links before it.
        var earlier: PortTraffic
        /// Whether it stands still.
        var isFrozen = false
        /// Whether another process goes on with it: what ends here is over for nobody.
        var isAbandoned = false
        /// What is to hold for peers when it goes on: they are told nothing before.
        var nextAdmission: Admission?
        /// A peer that comes and goes without end must not fill the log.
        var lines = RefusalBudget()
    }

    /// Called with the socket's path, and with what tells how the port is.
    typealias CrashNotice = @Sendable (String, @escaping @Sendable () -> FrozenPort?) -> Void

    /// What another process has had of a port.
    struct Inherited {
        /// What went through it.
        var traffic: PortTraffic
        /// Its link, which goes on here; nil without one.
        var link: MemifLink?
    }

    let socket: MasterSocket
    let loop: EventLoop
    private let interface: MemifInterface
    let worker: PacketWorker
    let logger: Logger
    private let log: PeerLog
    private let linkChanged: @Sendable () -> Void
    private let peerCame: @Sendable (PeerNotice) -> Void
    /// Told that what another process needs should this one crash is another now; nil where nobody keeps it.
    let keep: CrashNotice?
    let state: Mutex<State>
    let pause = PauseGate()
    let isInherited: Bool

    /// It stands still, as its socket does, until ``thaw()``.
    ///
    /// - Parameter inherited: nil for one that no other process has had.
    init(
        _ specification: PortSpecification, _ interface: MemifInterface, _ socket: MasterSocket,
        _ identity: FileIdentity, _ inherited: Inherited?, loop: EventLoop,
        worker: PacketWorker, logger: Logger, log: PeerLog,
        peerCame: @escaping @Sendable (PeerNotice) -> Void,
        keep: CrashNotice?,
        linkChanged: @escaping @Sendable () -> Void
    ) {
        self.linkChanged = linkChanged
        self.peerCame = peerCame
        self.keep = keep
        self.log = log
        self.socket = socket
        self.interface = interface
        self.loop = loop
        self.worker = worker
        var logger = logger
        logger[metadataKey: "vm"] = "\(specification.vm)"
        logger[metadataKey: "domain"] = "\(specification.domainName.printable)"
        logger[metadataKey: "port"] = "\(specification.declaration.name)"
        self.logger = logger
        isInherited = inherited != nil
        state = Mutex(
            State(
                specification: specification, identity: identity,
                link: inherited?.link.map { ($0, nil) },
                earlier: inherited?.traffic ?? PortTraffic(), isFrozen: true,
                nextAdmission: specification.admission))
        interface.onEvent { [weak self] event in self?.handle(event) }
    }

    func setAdmission(_ admission: Admission) {
        let isFrozen = state.withLock { state in
            if state.isFrozen { state.nextAdmission = admission }
            return state.isFrozen
        }
        if !isFrozen { admit(admission) }
    }

    func setPaused(_ isPaused: Bool) { pause.set(isPaused) }

    func admit(_ admission: Admission) {
        switch admission {
        case .open: interface.admitSlaves()
        case .draining:
            interface.refuseNewSlaves(
                DisconnectReason(.administrative, DisconnectText.draining))
        case .closed(let reason):
            interface.refuseSlaves(DisconnectReason(.administrative, reason))
        }
    }

    func place(_ specification: PortSpecification) throws(PortError) {
        if socketState() == .lost { return try placeAnew(specification) }
        let identity = state.withLock { $0.identity }
        do throws(SystemError) {
            // One that no longer names an owner goes back to the daemon, as a new one is.
            try SocketFile.adjust(
                specification.path, ifStill: identity, mode: PortSpecification.mode,
                user: specification.user ?? Accounts.currentUser, group: specification.group)
        } catch {
            throw PortError(
                reason: "the socket's owner and mode cannot be set: \(error)",
                remedy: "give the daemon the right to change owners (CAP_CHOWN, CAP_FOWNER)")
        }
        state.withLock { $0.specification = specification }
    }

    /// Somebody has taken the socket file away: another listener takes the old one's place.
    private func placeAnew(_ specification: PortSpecification) throws(PortError) {
        let placed = try PlacedListener(specification)
        let identity = placed.identity
        do throws(MemifError) {
            try socket.replaceListener(placed.listener)
        } catch {
            SocketFile.remove(specification.path, ifStill: identity)
            throw PortError(
                reason: "the socket cannot be made anew: \(error)",
                remedy: "leave the daemon descriptors")
        }
        state.withLock { state in
            state.specification = specification
            state.identity = identity
        }
        keepForCrash()
    }

    func acceptSecret(_ secret: PortSecret) throws(PortError) {
        let (present, former) = try Secret.pair(secret)
        interface.acceptSecret(present, orFormer: former)
        state.withLock { $0.specification.secret = secret }
    }

    func socketState() -> PortSocketState {
        let (specification, identity) = state.withLock { ($0.specification, $0.identity) }
        guard let file = try? FileStatus(path: specification.path), file.identity == identity else {
            return .lost
        }
        let isPlaced =
            file.permissions == PortSpecification.mode
            && file.user == specification.user ?? Accounts.currentUser
            && file.group == specification.group ?? file.group
        return isPlaced ? .standing : .altered
    }

    func close(reason: String) async { end(reason) }

    /// Tells peers why, lets them go, and removes the socket.
    func end(_ reason: String) {
        let (path, identity) = state.withLock { ($0.specification.path, $0.identity) }
        SocketFile.remove(path, ifStill: identity)
        socket.close(DisconnectReason(.administrative, reason))
        // Until it has heard of what that has ended.
        loop.submit { withExtendedLifetime(self) {} }
    }

    func openChannel(for peer: PeerCredentials?) throws(PortError) -> OwnedDescriptor {
        guard !state.withLock(\.isFrozen) else {
            throw PortError(
                reason: "another virtwired is taking over", remedy: "try again in a moment")
        }
        do throws(SystemError) {
            return try socket.openChannel(for: peer)
        } catch {
            throw PortError(
                reason: "the channel cannot be made: \(error)",
                remedy: "leave the daemon descriptors")
        }
    }

    private func handle(_ event: LinkEvent) {
        if state.withLock(\.isAbandoned) { return }
        switch event {
        case .up(let link):
            let isNew = state.withLock { state in
                // One that another process has had has not come just now.
                if state.link?.link === link { return false }
                if let last = state.link { state.earlier.add(last.link, last.attachment) }
                state.link = (link, state.isFrozen ? nil : attach(link, state.specification))
                state.earlier.connects += 1
                state.earlier.linkChanged = AddedPort.now
                return true
            }
            keepForCrash()
            if isNew { tell(.connected, link.peer) }
            note(
                isNew ? "link up" : "link goes on",
                [
                    "peer": "\(link.terms.peerName.printable)",
                    "pid": "\(link.peer?.process ?? 0)", "uid": "\(link.peer?.user ?? 0)",
                    "queues": "\(link.receiveQueueCount)+\(link.transmitQueueCount)",
                ])
            linkChanged()
        case .down(let end):
            let peer = state.withLock { state in
                state.earlier.lastDisconnect = end.description.printable
                state.earlier.disconnects += 1
                state.earlier.linkChanged = AddedPort.now
                return state.link?.link.peer
            }
            keepForCrash()
            tell(.disconnected(end.description.printable), peer)
            note("link down", ["reason": "\(end.description.printable)"])
            linkChanged()
        case .failed(let end, let peer):
            state.withLock { state in
                state.earlier.lastDisconnect = end.description.printable
                state.earlier.refusals += 1
            }
            tell(.refused(end.description.printable), peer)
            // A peer that tries for ever is one line at this level, not one every time.
            log.note(
                "peer refused", at: .debug, by: logger,
                ["reason": "\(end.description.printable)"])
        }
    }

    private func note(_ message: Logger.Message, _ metadata: @autoclosure () -> Logger.Metadata) {
        guard let unwritten = state.withLock({ $0.lines.spend(now: .now) }) else { return }
        log.note(message, at: .info, by: logger, unwritten: unwritten, metadata())
    }

    private func tell(_ event: PeerNotice.Event, _ peer: PeerCredentials?) {
        let specification = state.withLock(\.specification)
        peerCame(
            PeerNotice(
                vm: specification.vm, domainName: specification.domainName,
                port: specification.declaration.name, event: event, peer: peer))
    }

    /// Has the worker serve a link.
    func attach(_ link: MemifLink, _ specification: PortSpecification) -> PacketAttachment {
        worker.attach(
            link, pause.guarding(Self.handler(for: specification.declaration.attachment)))
    }

    /// What the frames of a link go to.
    private static func handler(for attachment: PortAttachment) -> any PacketHandler {
        switch attachment {
        case .none: return PacketSink()
        case .responder(let own):
            guard let address = IPv4Address(bytes: own.octets) else { return PacketSink() }
            return Responder(address: address)
        }
    }
}

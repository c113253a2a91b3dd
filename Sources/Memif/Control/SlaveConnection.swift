internal import LinuxIO
internal import Synchronization

/// One attempt of a slave: it drives a `SlaveHandshake` over a channel and, at its end, the link.
final class SlaveConnection: Sendable {
    private struct State: ~Copyable {
        var handshake: SlaveHandshake
        var memory: LinkMemory?
        var link: MemifLink?
        var deadline: HandshakeDeadline?
        /// Why it is over; nil while it goes on.
        var end: LinkEnd?
        var hasEnded: Bool { end != nil }
    }

    private let connector: SlaveConnector
    private let configuration: InterfaceConfiguration
    private let loop: EventLoop
    private let channel: ControlChannel
    private let peer: PeerCredentials?
    private let state: Mutex<State>

    init(
        _ connected: consuming UnixSocket, peer: PeerCredentials?, disposal: Disposal,
        connector: SlaveConnector,
        configuration: InterfaceConfiguration, geometry: SlaveGeometry, loop: EventLoop
    ) {
        self.connector = connector
        self.configuration = configuration
        self.loop = loop
        self.peer = peer
        channel = ControlChannel(connected, closedBy: disposal, on: loop)
        state = Mutex(State(handshake: SlaveHandshake(configuration, geometry: geometry)))
    }

    /// Waits for the master's HELLO, but not for ever.
    func start(timeout: Duration) {
        let deadline = HandshakeDeadline(timeout, on: loop) { [weak self] end in self?.finish(end) }
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.deadline = deadline }
            return state.hasEnded
        }
        if hasEnded { return }
        do throws(SystemError) {
            try channel.start { [self] input in handle(input) }
        } catch {
            finish(Self.end(of: error))
            return
        }
        deadline.start()
    }

    /// Ends the attempt or link whatever state it is in; only the first call counts. Any thread.
    func finish(_ end: LinkEnd) {
        // Let go behind the lock: that may last.
        var memory: LinkMemory?
        let ending = state.withLock { state -> Ending? in
            guard !state.hasEnded else { return nil }
            state.end = end
            state.handshake.close()
            swap(&memory, &state.memory)
            return Ending(link: state.link, deadline: state.deadline.take())
        }
        guard let ending else { return }
        ending.deadline?.cancel()
        ending.link?.status.finish(end)
        channel.close(end.reasonForPeer)
        ending.link?.releaseMemory()
        connector.connectionEnded(end)
    }

    private struct Ending {
        let link: MemifLink?
        let deadline: HandshakeDeadline?
    }

    private func handle(_ input: consuming ControlChannel.Input) {
        switch consume input {
        case .ended(let end): finish(end)
        case .message(let message, let descriptors):
            let count = descriptors.count
            let (action, deadline) = state.withLock { state in
                (state.handshake.receive(message, descriptorCount: count), state.deadline)
            }
            deadline?.hear()
            do {
                try perform(action)
            } catch {
                finish(error)
            }
        }
    }

    private func perform(_ action: SlaveHandshake.Action) throws(LinkEnd) {
        switch action {
        case .end(let end): throw end
        case .layOut(let geometry): try layOut(geometry)
        case .send(let message): try send(message)
        case .connect(let terms): try connect(terms)
        }
    }

    /// Makes the memory, and goes on when it is there: a part in each turn of the loop, so that others have
    /// theirs.
    private func layOut(_ geometry: SlaveGeometry) throws(LinkEnd) {
        let memory: LinkMemory
        do throws(SystemError) {
            memory = try LinkMemory.makeSlave(
                geometry, name: configuration.name, pools: configuration.pools, isPopulated: false,
                disposal: channel.disposal)
        } catch {
            throw Self.end(of: error)
        }
        state.withLock { $0.deadline }?.setOurs(true)
        memory.regions[0].populate(on: loop, while: { [weak self] in self?.hasEnded == false }) {
            [weak self] problem in self?.use(memory, problem)
        }
    }

    private var hasEnded: Bool { state.withLock { $0.hasEnded } }

    private func use(_ memory: LinkMemory, _ problem: LinkEnd?) {
        if let problem { return finish(problem) }
        memory.setCookies()
        state.withLock { $0.deadline }?.setOurs(false)
        let next = state.withLock { state in
            if !state.hasEnded { state.memory = memory }
            return state.handshake.memoryIsReady()
        }
        do throws(LinkEnd) {
            try perform(next)
        } catch {
            finish(error)
        }
    }

    private func send(_ message: ControlMessage) throws(LinkEnd) {
        do throws(SystemError) {
            guard let memory = state.withLock({ $0.memory }) else { return }
            switch message {
            case .addRegion(let region):
                // Closed at once when it is sent: another one of the file stays.
                let file = try memory.regions[Int(region.index)].file.duplicate().closed(by: nil)
                try channel.send(message, file)
            case .addRing(let ring):
                let rings =
                    ring.direction == .slaveToMaster ? memory.slaveToMaster : memory.masterToSlave
                let eventfd = try rings[Int(ring.index)].interrupt.descriptor.duplicate()
                try channel.send(message, eventfd)
            default: try channel.send(message)
            }
        } catch {
            throw Self.end(of: error)
        }
    }

    private func connect(_ terms: LinkTerms) throws(LinkEnd) {
        guard let memory = state.withLock({ $0.memory.take() }) else {
            throw .violation("CONNECTED before there was any memory")
        }
        linkIsUp(
            MemifLink(memory: memory, terms: terms, configuration: configuration, peer: peer))
    }

    func linkIsUp(_ link: MemifLink) {
        let (deadline, end) = state.withLock { state in
            if !state.hasEnded { state.link = link }
            return (state.deadline.take(), state.end)
        }
        deadline?.cancel()
        if let end {
            // `finish` has come and gone, and knew nothing of the link.
            link.abandon(end)
            return
        }
        link.whenEnded(on: loop) { [weak self] end in self?.finish(end) }
        if !connector.linkIsUp(link) { link.releaseMemory() }
    }

    private static func end(of error: SystemError) -> LinkEnd {
        LinkEnd(error)
    }
}

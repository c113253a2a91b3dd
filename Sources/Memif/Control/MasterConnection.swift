internal import LinuxIO
internal import Synchronization

/// One accepted connection: it drives a `MasterHandshake` over a channel and, at its end, the link.
final class MasterConnection: Sendable {
    struct State: ~Copyable {
        var handshake = MasterHandshake()
        var regions: [Region] = []
        var interrupts = DescriptorQueue()
        /// Regions of a link that another process has had, to be faulted in once it goes on.
        var inherited: [Region] = []
        var interface: MemifInterface?
        /// Whether this connection holds the interface.
        var isBound = false
        var link: MemifLink?
        var deadline: HandshakeDeadline?
        /// Why it is over; nil while it goes on.
        var end: LinkEnd?
        var hasEnded: Bool { end != nil }
    }

    let id: UInt64
    weak let socket: MasterSocket?
    let loop: EventLoop
    let channel: ControlChannel
    let peer: PeerCredentials?
    let state = Mutex(State())

    init(
        id: UInt64, _ connected: consuming UnixSocket, peer: PeerCredentials?, disposal: Disposal,
        socket: MasterSocket, loop: EventLoop
    ) {
        self.id = id
        self.socket = socket
        self.loop = loop
        self.peer = peer
        channel = ControlChannel(connected, closedBy: disposal, on: loop)
    }

    /// Says HELLO and waits for the slave, but not for ever.
    func start(hello: ControlMessage.Hello, timeout: Duration) {
        let deadline = HandshakeDeadline(timeout, on: loop) { [weak self] end in self?.finish(end) }
        let hasEnded = state.withLock { state in
            if !state.hasEnded { state.deadline = deadline }
            return state.hasEnded
        }
        if hasEnded { return }
        do throws(SystemError) {
            try channel.start { [self] input in handle(input) }
            try channel.send(.hello(hello))
        } catch {
            finish(Self.end(of: error))
            return
        }
        deadline.start()
    }

    /// Ends the connection whatever state it is in; only the first call counts. Any thread.
    func finish(_ end: LinkEnd) {
        // What was announced but never became a link goes now, and not under the lock: that may last.
        var regions: [Region] = []
        var interrupts = DescriptorQueue()
        let ending = state.withLock { state -> Ending? in
            guard !state.hasEnded else { return nil }
            state.end = end
            state.handshake.close()
            swap(&regions, &state.regions)
            swap(&interrupts, &state.interrupts)
            state.inherited = []
            return Ending(
                link: state.link, interface: state.interface, isBound: state.isBound,
                deadline: state.deadline.take())
        }
        guard let ending else { return }
        ending.deadline?.cancel()
        ending.link?.status.finish(end)
        // Before the peer is told: it may come back at once.
        if ending.isBound {
            ending.interface?.vacate(end, of: peer)
        } else {
            ending.interface?.attemptFailed(end, of: peer)
        }
        socket?.forget(self, end)
        channel.close(end.reasonForPeer)
        ending.link?.releaseMemory()
    }

    private struct Ending {
        let link: MemifLink?
        let interface: MemifInterface?
        let isBound: Bool
        let deadline: HandshakeDeadline?
    }

    func handle(_ input: consuming ControlChannel.Input) {
        switch consume input {
        case .ended(let end): finish(end)
        case .message(let message, var descriptors):
            let count = descriptors.count
            let (action, deadline) = state.withLock { state in
                (state.handshake.receive(message, descriptorCount: count), state.deadline)
            }
            deadline?.hear()
            do {
                try perform(action, descriptors.popFirst())
            } catch {
                finish(error)
            }
        }
    }

    private func perform(
        _ action: MasterHandshake.Action, _ descriptor: consuming OwnedDescriptor?
    ) throws(LinkEnd) {
        switch action {
        case .end(let end): throw end
        case .bind(let id): try bind(id)
        case .acknowledge: try send(.acknowledge)
        case .mapRegion(let region):
            guard let file = descriptor.take() else { throw .violation("a region without a file") }
            populate(try map(region, file))
        case .keepRing:
            guard let eventfd = descriptor.take() else {
                throw .violation("a ring without an eventfd")
            }
            var interrupt: OwnedDescriptor? = eventfd
            state.withLock { state in
                if let eventfd = interrupt.take() { state.interrupts.append(eventfd) }
            }
            try send(.acknowledge)
        case .connect(let terms): try connect(terms)
        }
    }

    private func send(_ message: ControlMessage) throws(LinkEnd) {
        do {
            try channel.send(message)
        } catch {
            throw Self.end(of: error)
        }
    }

    private func bind(_ id: UInt32) throws(LinkEnd) {
        let interface = socket?.interface(id: id)
        let configuration = interface?.presentConfiguration
        if configuration?.secret != nil, let problem = socket?.guessingProblem(of: peer) {
            state.withLock { $0.interface = interface }
            throw LinkEnd(.refused, problem)
        }
        let action = state.withLock { state in
            state.interface = interface
            return state.handshake.bind(
                to: configuration, isConnected: interface?.isOccupied ?? false,
                refusal: interface?.refusal)
        }
        guard case .acknowledge = action, let interface else {
            if case .end(let end) = action, end.reason.code == .wrongSecret {
                socket?.countWrongSecret(of: peer)
            }
            try perform(action, nil)
            return
        }
        try hold(interface)
        try send(.acknowledge)
    }

    /// Takes the interface for this connection, which may be ended by another thread meanwhile: who
    /// refuses slaves ends the interface's occupant from the moment that there is one.
    func hold(_ interface: MemifInterface) throws(LinkEnd) {
        guard interface.occupy({ [weak self] end in self?.finish(end) }) else {
            let taken = DisconnectReason(
                .alreadyConnected, "interface \(interface.configuration.id) is connected already")
            throw LinkEnd(.refused, interface.refusal ?? taken)
        }
        let end = state.withLock { state in
            // From here on it is `finish` that gives the interface back.
            state.interface = interface
            state.isBound = !state.hasEnded
            return state.end
        }
        guard let end else { return }
        interface.release()
        throw end
    }

    private func map(
        _ region: ControlMessage.AddRegion, _ file: consuming OwnedDescriptor
    ) throws(LinkEnd) -> Region {
        let interface = state.withLock { $0.interface }
        return try Region(
            peerFile: file, byteCount: region.byteCount,
            limits: interface?.configuration.limits ?? InterfaceLimits())
    }

    /// Faults a region in, when its turn comes, and says that it is there. A large one takes several
    /// turns of the loop, and so do many, so that others have theirs; nothing more of this peer's is read
    /// meanwhile.
    private func populate(_ region: Region) {
        channel.pause()
        state.withLock { $0.deadline }?.setOurs(true)
        region.populate(on: loop, while: { [weak self] in self?.hasEnded == false }) {
            [weak self] problem in self?.takeIn(region, problem)
        }
    }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    private func takeIn(_ region: Region, _ problem: LinkEnd?) {
        if let problem { return finish(problem) }
        state.withLock { $0.deadline }?.setOurs(false)
        state.withLock { $0.regions.append(region) }
        channel.resume()
        do throws(LinkEnd) {
            try send(.acknowledge)
        } catch {
            finish(error)
        }
    }

    private func connect(_ announced: LinkTerms) throws(LinkEnd) {
        guard let interface = state.withLock({ $0.interface }) else {
            throw .violation("CONNECT without an interface")
        }
        let regions = state.withLock { exchange(&$0.regions, with: []) }
        let interrupts = state.withLock { exchange(&$0.interrupts, with: DescriptorQueue()) }
        let memory = try LinkMemory.makeMaster(announced, regions: regions, interrupts: interrupts)
        var terms = announced
        terms.layout = memory.layout
        terms.isLayoutCertain = true
        // First CONNECTED, then frames: DPDK and C libmemif clear the indexes until they have it.
        try send(.connected(interfaceName: interface.configuration.name))
        linkIsUp(
            MemifLink(
                memory: memory, terms: terms, configuration: interface.configuration, peer: peer),
            of: interface)
    }

    func linkIsUp(_ link: MemifLink, of interface: MemifInterface) {
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
        socket?.settle(self)
        link.whenEnded(on: loop) { [weak self] end in self?.finish(end) }
        if !interface.linkIsUp(link) { link.releaseMemory() }
    }

    static func end(of error: SystemError) -> LinkEnd {
        LinkEnd(error)
    }
}

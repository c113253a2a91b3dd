public import LinuxIO
internal import Synchronization

/// A link that is up: two ends, shared memory, and queues to be taken.
///
/// Whoever takes a queue owns it and works it on a thread of their choice; the link itself never
/// touches a frame. When the link is over the queues say so in their next burst, and the memory goes
/// when the last of them is let go.
public final class MemifLink: Sendable {
    private struct State {
        /// Let go of at the end: from then on only the queues hold it.
        var memory: LinkMemory?
    }

    /// Which end we are.
    public let role: MemifRole
    /// What the two ends told each other.
    public let terms: LinkTerms
    /// Who the peer is, as the kernel knows it.
    public let peer: PeerCredentials?
    /// The local interface's configuration.
    public let configuration: InterfaceConfiguration
    /// When it came up.
    public let since = ContinuousClock.now
    let status = LinkStatus()
    private let receiveCounters: [SharedCounters]
    private let transmitCounters: [SharedCounters]
    private let state: Mutex<State>

    init(
        memory: LinkMemory, terms: LinkTerms, configuration: InterfaceConfiguration,
        peer: PeerCredentials?
    ) {
        role = memory.role
        self.terms = terms
        self.configuration = configuration
        self.peer = peer
        receiveCounters = memory.receiving.map { _ in SharedCounters() }
        transmitCounters = memory.sending.map { _ in SharedCounters() }
        state = Mutex(State(memory: memory))
    }

    /// How many queues there are to receive from.
    public var receiveQueueCount: Int { receiveCounters.count }

    /// How many queues there are to send on.
    public var transmitQueueCount: Int { transmitCounters.count }

    /// Takes a receive queue. As a master one that was let go can be taken again, and goes on where it
    /// stood; as a slave each can be taken once.
    ///
    /// A slave's peer has nowhere to put frames until the queue is taken.
    ///
    /// - Returns: nil for a number that is not there, a queue that is taken, or a link that is over.
    public func takeReceiveQueue(
        _ index: Int, mode: ReceiveMode = .polling
    ) -> ReceiveQueue? {
        guard !status.hasEnded, let memory, memory.receiving.indices.contains(index),
            memory.receiving[index].take()
        else { return nil }
        return ReceiveQueue(
            memory.receiving[index], of: memory, status: status, shared: receiveCounters[index],
            longestFrame: configuration.longestFrame, mode: mode)
    }

    /// Takes a transmit queue, as ``takeReceiveQueue(_:mode:)`` does.
    ///
    /// - Returns: nil for a number that is not there, a queue that is taken, or a link that is over.
    public func takeTransmitQueue(_ index: Int) -> TransmitQueue? {
        guard !status.hasEnded, let memory, memory.sending.indices.contains(index),
            memory.sending[index].take()
        else { return nil }
        return TransmitQueue(
            memory.sending[index], of: memory, status: status, shared: transmitCounters[index],
            longestFrame: configuration.longestFrame)
    }

    /// Wakes the owner of a receive queue that waits in `waitForFrames`, in whatever mode, from any thread;
    /// one that does not wait now will not wait the next time.
    public func wakeReceiver(_ index: Int) {
        guard let memory, memory.receiving.indices.contains(index) else { return }
        memory.receiving[index].call()
    }

    /// Has the peer look at its rings, though it sleep, for a link of a process that has crashed: that may
    /// have come to publish frames and not to raise the interrupt. One too many does no harm.
    public func wakePeer() {
        for ring in memory?.sending ?? [] { ring.interrupt.wake() }
    }

    /// What there is to know of the link now, for people and for monitors.
    public var details: LinkDetails {
        let memory = self.memory
        func queues(_ rings: [Ring], _ counters: [SharedCounters]) -> [LinkDetails.Queue] {
            zip(rings, counters).map { ring, counters in
                LinkDetails.Queue(ring, role: role, counters: counters.value)
            }
        }
        return LinkDetails(
            role: role, isUp: isUp, id: terms.id, mode: terms.mode, name: configuration.name,
            peerName: terms.peerName, peerInterfaceName: terms.peerInterfaceName, peer: peer,
            age: ContinuousClock.now - since,
            regionByteCounts: memory?.regions.map(\.byteCount) ?? [],
            receiveQueues: queues(memory?.receiving ?? [], receiveCounters),
            transmitQueues: queues(memory?.sending ?? [], transmitCounters))
    }

    /// Whether it is up.
    public var isUp: Bool { !status.hasEnded }

    /// Why it is over; nil while it is up.
    public var end: LinkEnd? { status.end }

    /// Ends the link and tells the peer why. The interface stays and may get another peer.
    public func disconnect(_ reason: DisconnectReason) {
        status.finish(LinkEnd(.local, reason))
    }

    /// Calls back once when the link is over, on the thread that ends it, which may be a queue's
    /// owner: be quick. At once if it is over already.
    public func whenEnded(_ observer: @escaping @Sendable (LinkEnd) -> Void) {
        status.whenEnded(observer)
    }

    /// As ``whenEnded(_:)``, for who looks after the link. What a queue's owner has found the peer to do is
    /// told on the loop: the owner has frames to see to.
    func whenEnded(on loop: EventLoop, _ observer: @escaping @Sendable (LinkEnd) -> Void) {
        status.whenEnded { end in
            if end.cause == .local || loop.isCurrent { return observer(end) }
            loop.submit { observer(end) }
        }
    }

    /// The counters of a receive queue.
    public func receiveCounters(_ index: Int) -> QueueCounters { receiveCounters[index].value }

    /// The counters of a transmit queue.
    public func transmitCounters(_ index: Int) -> QueueCounters { transmitCounters[index].value }

    /// All receive queues together.
    public var received: QueueCounters { Self.total(receiveCounters) }

    /// All transmit queues together.
    public var sent: QueueCounters { Self.total(transmitCounters) }

    private static func total(_ all: [SharedCounters]) -> QueueCounters {
        all.reduce(into: QueueCounters()) { $0 += $1.value }
    }

    /// What another process needs to go on with the link; nil once it is over.
    var memory: LinkMemory? { state.withLock(\.memory) }

    /// Ends a link that nobody has been told of.
    func abandon(_ end: LinkEnd) {
        status.finish(end)
        releaseMemory()
    }

    /// Lets go of the shared memory; the queues may still hold it. Whoever sleeps on one is woken, to
    /// find that the link is over.
    func releaseMemory() {
        let memory = state.withLock { $0.memory.take() }
        for ring in memory?.receiving ?? [] { ring.interrupt.signal() }
        // Unmapped here, outside the lock, if no queue holds it.
    }
}

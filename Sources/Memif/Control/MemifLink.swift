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
        var takenReceive: Set<Int> = []
        var takenTransmit: Set<Int> = []
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

    /// Takes a receive queue; each can be taken once.
    ///
    /// A slave's peer has nowhere to put frames until the queue is taken.
    ///
    /// - Returns: nil for a number that is not there, a queue taken before, or a link that is over.
    public func takeReceiveQueue(
        _ index: Int, mode: ReceiveMode = .polling
    ) -> ReceiveQueue? {
        let memory = state.withLock { state -> LinkMemory? in
            guard let memory = state.memory, memory.receiving.indices.contains(index) else {
                return nil
            }
            return state.takenReceive.insert(index).inserted ? memory : nil
        }
        guard let memory else { return nil }
        return ReceiveQueue(
            memory.receiving[index], of: memory, status: status, shared: receiveCounters[index],
            longestFrame: configuration.longestFrame, mode: mode)
    }

    /// Takes a transmit queue; each can be taken once.
    ///
    /// - Returns: nil for a number that is not there, a queue taken before, or a link that is over.
    public func takeTransmitQueue(_ index: Int) -> TransmitQueue? {
        let memory = state.withLock { state -> LinkMemory? in
            guard let memory = state.memory, memory.sending.indices.contains(index) else {
                return nil
            }
            return state.takenTransmit.insert(index).inserted ? memory : nil
        }
        guard let memory else { return nil }
        return TransmitQueue(
            memory.sending[index], of: memory, status: status, shared: transmitCounters[index],
            longestFrame: configuration.longestFrame)
    }

    /// Wakes the owner of a receive queue that sleeps in `waitForFrames`, from any thread.
    public func wakeReceiver(_ index: Int) {
        let memory = state.withLock(\.memory)
        guard let memory, memory.receiving.indices.contains(index) else { return }
        memory.receiving[index].interrupt.signal()
    }

    /// What there is to know of the link now, for people and for monitors.
    public var details: LinkDetails {
        let (memory, receiving, sending) = state.withLock {
            ($0.memory, $0.takenReceive, $0.takenTransmit)
        }
        func queues(
            _ rings: [Ring], _ counters: [SharedCounters], _ taken: Set<Int>
        ) -> [LinkDetails.Queue] {
            zip(rings, counters).enumerated().map { index, pair in
                LinkDetails.Queue(
                    pair.0, role: role, counters: pair.1.value, isTaken: taken.contains(index))
            }
        }
        return LinkDetails(
            role: role, isUp: isUp, id: terms.id, mode: terms.mode, name: configuration.name,
            peerName: terms.peerName, peerInterfaceName: terms.peerInterfaceName, peer: peer,
            age: ContinuousClock.now - since,
            regionByteCounts: memory?.regions.map(\.byteCount) ?? [],
            receiveQueues: queues(memory?.receiving ?? [], receiveCounters, receiving),
            transmitQueues: queues(memory?.sending ?? [], transmitCounters, sending))
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

    /// Lets go of the shared memory; the queues may still hold it. Whoever sleeps on one is woken, to
    /// find that the link is over.
    func releaseMemory() {
        let memory = state.withLock { $0.memory.take() }
        for ring in memory?.receiving ?? [] { ring.interrupt.signal() }
        // Unmapped here, outside the lock, if no queue holds it.
    }
}

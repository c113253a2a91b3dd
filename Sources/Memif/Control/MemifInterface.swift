internal import LinuxIO
internal import Synchronization

/// An interface: the lasting thing of which a link is one peer's visit.
///
/// Masters get theirs from `MasterSocket.add`, slaves from `MemifInterface.connect`.
public final class MemifInterface: Sendable {
    private struct State {
        var link: MemifLink?
        var lastEnd: LinkEnd?
        var lastEvent: LinkEvent?
        /// Ends whatever holds the interface: an attempt at a link or a link.
        var occupant: (@Sendable (LinkEnd) -> Void)?
        var isRemoved = false
        /// Whether nothing happens to it any more.
        var isOver = false
        var refusal: DisconnectReason?
        /// What slaves have to show, where that has changed.
        var secrets: (present: Secret?, former: Secret?)?
        /// Numbers the events, so that a new subscriber gets none from before its time.
        var sequence: UInt64 = 0
        var subscribers: [UInt64: Subscriber] = [:]
        var nextSubscriber: UInt64 = 0
    }

    private struct Subscriber {
        let since: UInt64
        let body: @Sendable (LinkEvent) -> Void
        /// Called after the last event.
        let finish: (@Sendable () -> Void)?
    }

    /// Which end it is.
    public let role: MemifRole
    /// What was asked for.
    public let configuration: InterfaceConfiguration
    let loop: EventLoop
    /// As a slave, whether there is one attempt at a link only.
    let isTriedOnce: Bool
    private let state = Mutex(State())
    /// Takes the interface off its socket, or ends the slave's attempts.
    private let remover: @Sendable (DisconnectReason) -> Void

    init(
        role: MemifRole, configuration: InterfaceConfiguration, loop: EventLoop,
        isTriedOnce: Bool = false,
        remover: @escaping @Sendable (DisconnectReason) -> Void
    ) {
        self.role = role
        self.configuration = configuration
        self.loop = loop
        self.isTriedOnce = isTriedOnce
        self.remover = remover
    }

    deinit {
        // A slave that nobody holds any more must not go on connecting.
        remover(DisconnectReason(.removed, "the interface is being removed"))
        for finish in state.withLock({ $0.subscribers.values.compactMap(\.finish) }) { finish() }
    }

    /// The link, while there is one.
    public var link: MemifLink? { state.withLock(\.link) }

    /// Why the last link, or attempt at one, ended.
    public var lastEnd: LinkEnd? { state.withLock(\.lastEnd) }

    /// Ends the link, if there is one, with a reason for the peer. A slave connects again.
    public func disconnect(_ reason: DisconnectReason) {
        state.withLock(\.link)?.disconnect(reason)
    }

    /// As a master: serves no slave from now on. Whoever is connected or connecting is let go with the
    /// reason, and so is who comes later.
    ///
    /// As a slave, which has a master instead: leaves it with the reason, and each further attempt ends with
    /// it, too.
    public func refuseSlaves(_ reason: DisconnectReason) {
        let occupant = state.withLock { state in
            state.refusal = reason
            return state.occupant
        }
        occupant?(LinkEnd(.local, reason))
    }

    /// As a master: serves no further slave from now on; the link that stands goes on. As a slave: the same,
    /// with its master.
    public func refuseNewSlaves(_ reason: DisconnectReason) {
        state.withLock { $0.refusal = reason }
    }

    /// Makes links again after `refuseSlaves` or `refuseNewSlaves`.
    public func admitSlaves() {
        state.withLock { $0.refusal = nil }
    }

    /// As a master: has slaves show another secret from now on, or none. A link that stands goes on.
    ///
    /// - Parameter former: what is right as well, so that not all slaves have to change at one moment.
    public func acceptSecret(_ secret: Secret?, orFormer former: Secret? = nil) {
        state.withLock { $0.secrets = (secret, former) }
    }

    /// What was asked for, with the secrets that hold now.
    var presentConfiguration: InterfaceConfiguration {
        guard let secrets = state.withLock(\.secrets) else { return configuration }
        var present = configuration
        (present.secret, present.formerSecret) = secrets
        return present
    }

    /// Ends link and interface: a master's socket no longer knows the id, a slave stops connecting.
    /// When this returns the peer has been told and the descriptors are closed or about to be, but for
    /// those that queues still hold. Removed once more, it stays as it is.
    public func remove(
        _ reason: DisconnectReason = DisconnectReason(.removed, "the interface is being removed")
    ) {
        remover(reason)
        retire(reason)
    }

    /// Calls back on every event from now on, on the event loop's thread, in order. The first call is
    /// for the last event before, if there was one: the link that is up, or why there is none.
    public func onEvent(_ body: @escaping @Sendable (LinkEvent) -> Void) {
        _ = subscribe(body)
    }

    /// The events from now on, and before them the last one that there was: so nobody comes too late
    /// for the only attempt's failure. Buffers the newest 256: who falls further behind finds the
    /// present state in `link`. They end when the interface is removed, with its socket or without.
    public func events() -> AsyncStream<LinkEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LinkEvent.self, bufferingPolicy: .bufferingNewest(256))
        let token = subscribe({ continuation.yield($0) }, finish: { continuation.finish() })
        continuation.onTermination = { [weak self] _ in self?.unsubscribe(token) }
        return stream
    }

    // MARK: For the drivers of connections

    /// What peers are told while none is served.
    var refusal: DisconnectReason? { state.withLock(\.refusal) }

    /// Whether an attempt or a link holds it.
    var isOccupied: Bool { state.withLock { $0.occupant != nil } }

    /// Holds the interface for one attempt; false when another does or it was removed.
    func occupy(_ occupant: @escaping @Sendable (LinkEnd) -> Void) -> Bool {
        state.withLock { state in
            guard state.occupant == nil, !state.isRemoved, state.refusal == nil else {
                return false
            }
            state.occupant = occupant
            return true
        }
    }

    /// The attempt that holds the interface has become a link; false when it was removed meanwhile.
    func linkIsUp(_ link: MemifLink) -> Bool {
        state.withLock { state in
            // One that has ended meanwhile is vacated by now, or soon.
            guard state.occupant != nil, !state.isRemoved, link.isUp else { return false }
            state.link = link
            publish(.up(link), &state)
            return true
        }
    }

    /// The attempt that took the interface was over already, as its end has told.
    func release() {
        leave { state in state.occupant = nil }
    }

    /// The attempt or link that held the interface is over.
    ///
    /// - Parameter peer: who was at the other end, where that is known.
    func vacate(_ end: LinkEnd, of peer: PeerCredentials? = nil) {
        leave { state in
            state.occupant = nil
            state.lastEnd = end
            publish(state.link.take() == nil ? .failed(end, peer: peer) : .down(end), &state)
        }
    }

    /// An attempt failed before it held the interface.
    func attemptFailed(_ end: LinkEnd, of peer: PeerCredentials? = nil) {
        state.withLock { state in
            state.lastEnd = end
            publish(.failed(end, peer: peer), &state)
        }
    }

    /// Ends whatever holds the interface, for good, and lets go of who waits for anything more.
    func retire(_ reason: DisconnectReason) {
        let occupant = state.withLock { state in
            state.isRemoved = true
            return state.occupant
        }
        occupant?(LinkEnd(.local, reason))
        leave { _ in }
    }

    /// Makes a change after which nothing may happen any more to an interface that is removed: whoever
    /// comes last, of those that remove it and of what holds it, lets go of the subscribers.
    private func leave(_ change: (inout State) -> Void) {
        let farewell = state.withLock { state -> Farewell? in
            change(&state)
            guard state.isRemoved, state.occupant == nil, !state.isOver else { return nil }
            state.isOver = true
            let farewell = Farewell(state.subscribers.values.compactMap(\.finish))
            // Behind the events, under the lock as they are.
            loop.submit { farewell.say() }
            return farewell
        }
        // Kept until here: on a loop that has stopped it is said at once, and not under the lock.
        withExtendedLifetime(farewell) {}
    }

    // MARK: Subscribers

    func subscribe(
        _ body: @escaping @Sendable (LinkEvent) -> Void, finish: (@Sendable () -> Void)? = nil
    ) -> UInt64 {
        let farewell = Farewell([finish].compactMap(\.self))
        return state.withLock { state in
            let token = state.nextSubscriber
            state.nextSubscriber += 1
            if let last = state.lastEvent { loop.submit { body(last) } }
            if state.isOver {
                loop.submit { farewell.say() }
            } else {
                farewell.cancel()
                state.subscribers[token] = Subscriber(
                    since: state.sequence, body: body, finish: finish)
            }
            return token
        }
    }

    func unsubscribe(_ token: UInt64) {
        state.withLock { state in _ = state.subscribers.removeValue(forKey: token) }
    }

    /// Hands an event to the loop, under the lock: so the events of one interface keep their order
    /// whichever threads they come from.
    private func publish(_ event: LinkEvent, _ state: inout State) {
        state.sequence += 1
        state.lastEvent = event
        let sequence = state.sequence
        guard !state.subscribers.isEmpty else { return }
        loop.submit { self.deliver(event, sequence) }
    }

    private func deliver(_ event: LinkEvent, _ sequence: UInt64) {
        let subscribers = state.withLock { state in
            state.subscribers.filter { $0.value.since < sequence }.sorted { $0.key < $1.key }
        }
        for (_, subscriber) in subscribers { subscriber.body(event) }
    }
}

public import LibvirtProtocol

/// Events as they come, for one reader, in the order in which the server sent them.
///
/// Ends when the connection is closed on this side, or at once when the task is cancelled; throws when the
/// connection is lost. Letting go of it ends the subscription.
public struct EventSequence<Event: SubscribedEvent>: AsyncSequence, Sendable {
    /// A notice at a time.
    public typealias Element = EventNotice<Event>
    /// The loss of the connection.
    public typealias Failure = LibvirtError

    let subscription: EventSubscription

    /// Reads the subscription. One iterator reads at a time.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

    /// Takes one notice after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: EventSubscription

        /// The next notice; nil at the end.
        ///
        /// - Throws: `LibvirtError` when the connection is lost.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(LibvirtError) -> EventNotice<Event>? {
            // Who reads in a storm of events never waits, and a wait is all that a cancellation would end.
            while !Task.isCancelled {
                switch await subscription.buffer.next() {
                case .element(let notice):
                    if let notice = EventNotice<Event>(notice) { return notice }
                case .lost(let count): return .lost(count)
                case .end(nil): return nil
                case .end(.some(let failure)): throw failure
                }
            }
            return nil
        }
    }
}

/// Events of domains.
public typealias DomainEvents = EventSequence<DomainEvent>
/// What a subscription to events of domains delivers.
public typealias DomainNotice = EventNotice<DomainEvent>

/// What a subscriber holds: it unsubscribes when it is let go.
final class EventSubscription: Sendable {
    let connection: Connection
    let number: Int
    let scopes: [EventScope]
    let buffer: EventRouter.Buffer

    init(
        _ connection: Connection, _ number: Int, _ scopes: [EventScope],
        _ buffer: EventRouter.Buffer
    ) {
        self.connection = connection
        self.number = number
        self.scopes = scopes
        self.buffer = buffer
    }

    deinit { connection.registry.leave(number, scopes) }
}

extension Connection {
    /// How many events a subscription keeps for a reader that is slow, unless told otherwise.
    public static let defaultEventCapacity = 16_384

    /// Subscribes to events of several families in one sequence.
    ///
    /// The subscription stands when this returns: no event after that is missed. Several
    /// subscriptions share one registration with the server.
    ///
    /// - Parameters:
    ///   - selections: which. What one selects for all objects is not delivered a second time for an
    ///     object that another selects.
    ///   - capacity: events kept for a slow reader; beyond them `EventNotice.lost` says how many
    ///     are missing.
    ///   - deadline: ends the attempt; nil gives the server 30 seconds.
    /// - Throws: `LibvirtError`, such as one that the server does not know a kind.
    public func events(
        _ selections: [EventSelection], capacity: Int = Connection.defaultEventCapacity,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<LibvirtEvent> {
        try await subscribe(to: selections, capacity, deadline)
    }

    /// Subscribes to events of domains; as ``events(_:capacity:deadline:)`` for everything else.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - domain: one domain's only; nil for all domains'.
    ///
    /// Source: `virConnectDomainEventRegisterAny`, `virConnectDomainEventDeregisterAny`.
    public func domainEvents(
        _ kinds: Set<virDomainEventID> = [.lifecycle], of domain: Domain? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> DomainEvents {
        try await subscribe(to: [.domains(kinds, of: domain)], capacity, deadline)
    }

    /// Subscribes to events of virtual networks; as ``events(_:capacity:deadline:)`` for the rest.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - network: one network's only; nil for all networks'.
    ///
    /// Source: `virConnectNetworkEventRegisterAny`, `virConnectNetworkEventDeregisterAny`.
    public func networkEvents(
        _ kinds: Set<virNetworkEventID> = [.lifecycle], of network: Network? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<NetworkEvent> {
        try await subscribe(to: [.networks(kinds, of: network)], capacity, deadline)
    }

    /// Subscribes to events of storage pools; as ``events(_:capacity:deadline:)`` for the rest.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - pool: one pool's only; nil for all pools'.
    ///
    /// Source: `virConnectStoragePoolEventRegisterAny`, `virConnectStoragePoolEventDeregisterAny`.
    public func storagePoolEvents(
        _ kinds: Set<virStoragePoolEventID> = [.lifecycle], of pool: StoragePool? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<StoragePoolEvent> {
        try await subscribe(to: [.storagePools(kinds, of: pool)], capacity, deadline)
    }

    /// Subscribes to events of the host's devices; as ``events(_:capacity:deadline:)`` for the rest.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - device: one device's only; nil for all devices'.
    ///
    /// Source: `virConnectNodeDeviceEventRegisterAny`, `virConnectNodeDeviceEventDeregisterAny`.
    public func nodeDeviceEvents(
        _ kinds: Set<virNodeDeviceEventID> = [.lifecycle], of device: NodeDevice? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<NodeDeviceEvent> {
        try await subscribe(to: [.nodeDevices(kinds, of: device)], capacity, deadline)
    }

    /// Subscribes to events of secrets; as ``events(_:capacity:deadline:)`` for the rest.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - secret: one secret's only; nil for all secrets'.
    ///
    /// Source: `virConnectSecretEventRegisterAny`, `virConnectSecretEventDeregisterAny`.
    public func secretEvents(
        _ kinds: Set<virSecretEventID> = [.lifecycle], of secret: Secret? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<SecretEvent> {
        try await subscribe(to: [.secrets(kinds, of: secret)], capacity, deadline)
    }

    /// Subscribes to events of QEMU's monitors; as ``events(_:capacity:deadline:)`` for the rest.
    /// Refused on a read-only connection.
    ///
    /// - Parameters:
    ///   - filter: which of QEMU's events.
    ///   - domain: one domain's only; nil for all domains'.
    ///
    /// Source: `virConnectDomainQemuMonitorEventRegister`,
    /// `virConnectDomainQemuMonitorEventDeregister`.
    public func monitorEvents(
        _ filter: MonitorEventFilter = .any, of domain: Domain? = nil,
        capacity: Int = Connection.defaultEventCapacity, deadline: ContinuousClock.Instant? = nil
    ) async throws(LibvirtError) -> EventSequence<MonitorEvent> {
        try await subscribe(to: [.monitor(filter, of: domain)], capacity, deadline)
    }

    private func subscribe<Event>(
        to selections: [EventSelection], _ capacity: Int, _ deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> EventSequence<Event> {
        let buffer = EventRouter.Buffer(capacity: capacity)
        let scopes = selections.scopes
        watchDriver()
        let number = try await registry.subscribe(
            buffer, to: scopes,
            until: CallDeadline.earliest(deadline) ?? .now + EventRegistry.patience)
        return EventSequence(subscription: EventSubscription(self, number, scopes, buffer))
    }
}

public import LibvirtProtocol

/// The events of domains, as they come, for one reader.
///
/// Ends when the connection is closed on this side, or when the task is cancelled; throws when the
/// connection is lost. Letting go of it ends the subscription.
public struct DomainEvents: AsyncSequence, Sendable {
    /// A notice at a time.
    public typealias Element = DomainNotice
    /// The loss of the connection.
    public typealias Failure = LibvirtError

    let subscription: Subscription

    /// Reads the subscription. One iterator reads at a time.
    public func makeAsyncIterator() -> Iterator { Iterator(subscription: subscription) }

    /// Takes one notice after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let subscription: Subscription

        /// The next notice; nil at the end.
        ///
        /// - Throws: `LibvirtError` when the connection is lost.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(LibvirtError) -> DomainNotice? {
            switch await subscription.buffer.next() {
            case .element(let notice): return notice
            case .lost(let count): return .lost(count)
            case .end(nil): return nil
            case .end(.some(let failure)): throw failure
            }
        }
    }

    /// What a subscriber holds: it unsubscribes when it is let go.
    final class Subscription: Sendable {
        let connection: Connection
        let subscriber: Int
        let scopes: [DomainEventRegistry.Scope]
        let buffer: EventRouter.Buffer

        init(
            _ connection: Connection, _ subscriber: Int, _ scopes: [DomainEventRegistry.Scope],
            _ buffer: EventRouter.Buffer
        ) {
            self.connection = connection
            self.subscriber = subscriber
            self.scopes = scopes
            self.buffer = buffer
        }

        deinit {
            let (connection, subscriber, scopes) = (connection, subscriber, scopes)
            Task {
                await connection.registry.unsubscribe(subscriber, from: scopes, on: connection)
            }
        }
    }
}

extension Connection {
    /// How many events a subscription keeps for a reader that is slow, unless told otherwise.
    public static let defaultEventCapacity = 16_384

    /// Subscribes to events of domains.
    ///
    /// The subscription stands when this returns: no event after that is missed. Several
    /// subscriptions share one registration with the server.
    ///
    /// - Parameters:
    ///   - kinds: which; by default those of the lifecycle.
    ///   - domain: one domain's only; nil for all domains'.
    ///   - capacity: events kept for a slow reader; beyond them `DomainNotice.lost` says how many
    ///     are missing.
    /// - Throws: `LibvirtError`, such as one that the server does not know the kind.
    ///
    /// Source: `virConnectDomainEventRegisterAny`.
    public func domainEvents(
        _ kinds: Set<virDomainEventID> = [.lifecycle], of domain: Domain? = nil,
        capacity: Int = Connection.defaultEventCapacity
    ) async throws(LibvirtError) -> DomainEvents {
        let buffer = EventRouter.Buffer(capacity: capacity)
        let subscriber = await registry.newSubscriber()
        var scopes: [DomainEventRegistry.Scope] = []
        for kind in kinds.sorted(by: { $0.rawValue < $1.rawValue }) {
            do throws(LibvirtError) {
                try await registry.subscribe(
                    subscriber, buffer, kind: kind, domain: domain, on: self)
            } catch {
                // Not waited for: who was cancelled must be free, whatever the server is doing.
                let done = scopes
                Task { await registry.unsubscribe(subscriber, from: done, on: self) }
                throw error
            }
            scopes.append(.init(kind: kind, domain: domain?.uuid))
        }
        return DomainEvents(subscription: .init(self, subscriber, scopes, buffer))
    }
}

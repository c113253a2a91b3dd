internal import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization
internal import XDR

/// Brings events from the link's reader to those who subscribed.
///
/// An event can overtake the reply to its own registration, so one whose callback id nobody knows
/// is kept while a registration is under way, and delivered once its id is known.
final class EventRouter: Sendable {
    typealias Buffer = EventBuffer<DomainNotice>

    private struct Route {
        let kind: virDomainEventID
        var subscribers: [Int: Buffer] = [:]
    }

    private struct State {
        /// By the callback id, which is unique among the events of domains.
        var routes: [Int32: Route] = [:]
        var early: [(callback: Int32, event: DomainEvent, byteCount: Int)] = []
        var earlyByteCount = 0
        /// How many there was no room to keep.
        var earlyLost = 0
        var registrationsUnderWay = 0
        var failure: LinkFailure?
    }

    private let uri: String
    private let state = Mutex(State())
    /// Events kept while registrations are under way; a flood beyond it is not a race.
    private static let mostEarlyEvents = 4096
    private static let mostEarlyBytes = 16 << 20

    init(uri: String) { self.uri = uri }

    /// Takes an event from the reader.
    func receive(_ incoming: IncomingEvent) {
        guard incoming.program == Remote.program,
            let reader = DomainEventReader.byProcedure[incoming.procedure]
        else { return }
        do throws(XDRError) {
            let (callback, event) = try reader.read(incoming)
            let byteCount = incoming.payload.count
            let subscribers = state.withLock { state -> [Buffer] in
                if let route = state.routes[callback] { return Array(route.subscribers.values) }
                guard state.registrationsUnderWay > 0 else { return [] }
                let left = Self.mostEarlyBytes - state.earlyByteCount
                if state.early.count < Self.mostEarlyEvents, byteCount <= left {
                    state.early.append((callback, event, byteCount))
                    state.earlyByteCount += byteCount
                } else {
                    state.earlyLost += 1
                }
                return []
            }
            for subscriber in subscribers { subscriber.put(.event(event), byteCount: byteCount) }
        } catch {
            let subscribers = state.withLock { state in
                state.routes.values.filter { $0.kind == reader.kind }.flatMap(\.subscribers.values)
            }
            for subscriber in subscribers {
                subscriber.put(.undecodable(reader.kind, error.description))
            }
        }
    }

    /// The link has ended, and every subscription with it.
    func end(_ failure: LinkFailure) {
        let subscribers = state.withLock { state in
            state.failure = failure
            let subscribers = state.routes.values.flatMap(\.subscribers.values)
            state.routes = [:]
            return subscribers
        }
        let error = error(failure)
        for subscriber in subscribers { subscriber.finish(error) }
    }

    /// A registration begins; events of ids that are not known yet are kept until it is over.
    func registrationBegins() {
        state.withLock { $0.registrationsUnderWay += 1 }
    }

    /// A registration is over.
    ///
    /// - Parameter callback: its id; nil when it failed.
    func registrationEnds(
        callback: Int32?, kind: virDomainEventID, subscriber: Int, _ buffer: Buffer
    ) {
        if let callback { add(subscriber, buffer, to: callback, kind) }
        state.withLock { state in
            state.registrationsUnderWay -= 1
            guard state.registrationsUnderWay == 0 else { return }
            state.early = []
            state.earlyByteCount = 0
            state.earlyLost = 0
        }
    }

    /// Adds a subscriber to a registration that stands.
    func add(_ subscriber: Int, _ buffer: Buffer, to callback: Int32, _ kind: virDomainEventID) {
        let failure = state.withLock { state -> LinkFailure? in
            if let failure = state.failure { return failure }
            state.routes[callback, default: Route(kind: kind)].subscribers[subscriber] = buffer
            // Under the lock, so that none that comes now can get ahead of those that came before.
            for early in state.early where early.callback == callback {
                buffer.put(.event(early.event), byteCount: early.byteCount)
            }
            state.early.removeAll { $0.callback == callback }
            // Whose they were is not known; a reader that reads again too often loses nothing.
            buffer.lose(state.earlyLost)
            return nil
        }
        if let failure { buffer.finish(error(failure)) }
    }

    /// Removes a subscriber; true when it was the last.
    func remove(_ subscriber: Int, from callback: Int32) -> Bool {
        state.withLock { state in
            guard state.routes[callback] != nil else { return false }
            state.routes[callback]?.subscribers[subscriber] = nil
            guard state.routes[callback]?.subscribers.isEmpty == true else { return false }
            state.routes[callback] = nil
            return true
        }
    }

    private func error(_ failure: LinkFailure) -> LibvirtError? {
        // Closed by this side: the end of the sequence, and no failure.
        if failure.reason == .closed { return nil }
        return LibvirtError(
            RPCError(.connectionLost(failure, .notSent), procedure: "waiting for events"),
            uri: uri)
    }
}

internal import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization
internal import XDR

/// Brings events from the link's reader to those who subscribed.
///
/// An event can overtake the reply to its own registration, so one whose callback id nobody knows
/// is kept while a registration of its kind is under way, and delivered once its id is known.
final class EventRouter: Sendable {
    typealias Buffer = EventBuffer<EventNotice<LibvirtEvent>>

    /// What the server marks an event with. Callback ids are unique within a family only, and
    /// families begin to count at the same number.
    struct Route: Hashable {
        let kind: EventKind
        let callback: Int32
    }

    private struct Subscriber {
        let number: Int
        let buffer: Buffer
    }

    private struct State {
        var routes: [Route: [Subscriber]] = [:]
        /// Routes of registrations that are being given back: what still comes is for nobody.
        var leaving: Set<Route> = []
        var early: [EventKind: EarlyEvents] = [:]
        /// Those who subscribed to nothing, and hear of the end all the same.
        var idle: [Int: Buffer] = [:]
        var failure: LibvirtError??

        /// Whether an event of this route is somebody's, was, or may soon be.
        func mayBelong(to route: Route) -> Bool {
            routes[route] != nil || leaving.contains(route) || early[route.kind] != nil
        }

        mutating func endRegistration(of kind: EventKind) {
            early[kind]?.registrations -= 1
            if early[kind]?.registrations == 0 { early[kind] = nil }
        }
    }

    private let uri: String
    private let state = Mutex(State())
    /// Whoever waits for the connection's end.
    let closing: ConnectionClosing

    init(uri: String) {
        self.uri = uri
        closing = ConnectionClosing()
    }

    /// Takes an event from the reader.
    func receive(_ incoming: IncomingEvent) {
        guard let reader = EventReader.byProcedure[EventProcedure(incoming)] else {
            if incoming.matches(Remote.CONNECT_EVENT_CONNECTION_CLOSED) { driverClosed(incoming) }
            return
        }
        do throws(XDRError) {
            let (callback, event) = try reader.read(incoming)
            deliver(
                .event(event), to: Route(kind: reader.kind, callback: callback),
                byteCount: incoming.payload.count)
        } catch {
            let notice = EventNotice<LibvirtEvent>.undecodable(reader.kind, error.description)
            let route = EventReader.callback(of: incoming).map {
                Route(kind: reader.kind, callback: $0)
            }
            // One that does not even tell whose it is concerns all of its kind.
            if let route, state.withLock({ $0.mayBelong(to: route) }) {
                deliver(notice, to: route, byteCount: incoming.payload.count)
            } else {
                let subscribers = state.withLock { state in
                    state.routes.filter { $0.key.kind == reader.kind }.flatMap(\.value)
                }
                for subscriber in subscribers { subscriber.buffer.put(notice) }
            }
        }
    }

    private func deliver(_ notice: EventNotice<LibvirtEvent>, to route: Route, byteCount: Int) {
        let subscribers = state.withLock { state -> [Subscriber] in
            if let subscribers = state.routes[route] { return subscribers }
            guard !state.leaving.contains(route) else { return [] }
            state.early[route.kind]?.keep(
                .init(callback: route.callback, notice: notice, byteCount: byteCount))
            return []
        }
        for subscriber in subscribers { subscriber.buffer.put(notice, byteCount: byteCount) }
    }

    /// The link has ended, and every subscription with it.
    func end(_ failure: LinkFailure) {
        let error = error(failure)
        closing.close(ConnectionClosure(failure, error))
        end(error)
    }

    /// This side takes leave. The daemon closes when it hears of it, which then is no failure.
    func endByThisSide() {
        closing.close(ConnectionClosure(LinkFailure(.closed), nil))
        end(nil)
    }

    /// The daemon's own connection to what it manages has ended: events come no more.
    private func driverClosed(_ incoming: IncomingEvent) {
        let message = try? incoming.message(of: Remote.CONNECT_EVENT_CONNECTION_CLOSED)
        let reason = message.map { virConnectCloseReason(rawValue: $0.reason) } ?? .error
        let error = error(
            LinkFailure(.reported("it has lost the hypervisor's own daemon (\(reason))")))
        closing.close(ConnectionClosure(reason: reason, error: error, isDriver: true))
        end(error)
    }

    private func end(_ error: LibvirtError?) {
        let buffers = state.withLock { state in
            if state.failure == nil { state.failure = .some(error) }
            defer {
                state.routes = [:]
                state.idle = [:]
            }
            return state.routes.values.joined().map(\.buffer) + state.idle.values
        }
        for buffer in buffers { buffer.finish(error) }
    }

    private func error(_ failure: LinkFailure) -> LibvirtError? { Self.error(failure, uri: uri) }

    /// What is told to those who wait for the link's next word.
    static func error(_ failure: LinkFailure, uri: String) -> LibvirtError? {
        // Closed by this side: the end of the sequence, and no failure.
        if failure.reason == .closed { return nil }
        return LibvirtError(
            RPCError(.connectionLost(failure, .irrelevant), procedure: "waiting for events"),
            uri: uri)
    }
}

// MARK: - Routes

extension EventRouter {
    /// A registration begins; events of its kind whose ids are not known are kept until it is over.
    func registrationBegins(_ kind: EventKind) {
        state.withLock { $0.early[kind, default: EarlyEvents()].registrations += 1 }
    }

    /// A registration is over.
    ///
    /// - Parameters:
    ///   - callback: its id; nil when it failed.
    ///   - subscribers: who gets its events, in order of subscription. None: it is given back.
    func registrationEnds(
        _ kind: EventKind, callback: Int32?, _ subscribers: [(number: Int, buffer: Buffer)]
    ) {
        let failure = state.withLock { state -> LibvirtError?? in
            defer { state.endRegistration(of: kind) }
            guard let callback else { return nil }
            if let failure = state.failure { return failure }
            let route = Route(kind: kind, callback: callback)
            if subscribers.isEmpty {
                state.leaving.insert(route)
            } else {
                state.routes[route] = subscribers.map { Subscriber(number: $0, buffer: $1) }
            }
            // Under the lock, so that none that comes now can get ahead of those that came before.
            guard let early = state.early[kind]?.take(callback) else { return nil }
            for (_, buffer) in subscribers {
                for event in early { buffer.put(event.notice, byteCount: event.byteCount) }
                // Whose they were is not known; a reader that reads again too often loses nothing.
                buffer.lose(state.early[kind]?.lost ?? 0)
            }
            return nil
        }
        if let failure { for (_, buffer) in subscribers { buffer.finish(failure) } }
    }

    /// Adds a subscriber to a registration that stands.
    func add(_ number: Int, _ buffer: Buffer, to route: Route) {
        let failure = state.withLock { state -> LibvirtError?? in
            if let failure = state.failure { return failure }
            state.routes[route, default: []].append(Subscriber(number: number, buffer: buffer))
            return nil
        }
        if let failure { buffer.finish(failure) }
    }

    /// Adds a subscriber to nothing.
    func addIdle(_ number: Int, _ buffer: Buffer) {
        let failure = state.withLock { state -> LibvirtError?? in
            if let failure = state.failure { return failure }
            state.idle[number] = buffer
            return nil
        }
        if let failure { buffer.finish(failure) }
    }

    /// Removes a subscriber to nothing.
    func removeIdle(_ number: Int) { state.withLock { _ = $0.idle.removeValue(forKey: number) } }

    /// Removes a subscriber.
    func remove(_ number: Int, from route: Route) {
        state.withLock { state in
            state.routes[route]?.removeAll { $0.number == number }
            if state.routes[route]?.isEmpty == true { state.routes[route] = nil }
        }
    }

    /// A registration is being given back: its last subscriber is let go of, and its events are dropped.
    func leave(_ route: Route) {
        state.withLock { state in
            state.routes[route] = nil
            state.leaving.insert(route)
        }
    }

    /// A registration has been given back.
    func left(_ route: Route) { state.withLock { _ = $0.leaving.remove(route) } }
}

internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import Synchronization

/// Which events the server was asked for: one registration per kind and scope, however many
/// subscribe, because a server refuses a second one.
///
/// Each scope goes through its phases by itself, and a call to the server is waited for until it
/// ends: whoever does not wait that long leaves, and what the server registers for nobody is given
/// back. So a server that is late does not hold on to a scope that nobody can use any more.
final class EventRegistry: Sendable {
    /// Where the outcome is put for one who waits for a registration.
    private typealias Mailbox = EventBuffer<Result<Void, LibvirtError>>

    private enum Phase {
        /// The server was asked, and has not answered.
        case registering
        case standing(callback: Int32)
        /// Given back, and the server has not answered; whoever comes now waits for the next turn.
        case deregistering
    }

    private struct Entry {
        var phase = Phase.registering
        var subscribers: [Int: EventRouter.Buffer] = [:]
        var waiting: [Int: Mailbox] = [:]
    }

    private struct State {
        var entries: [EventScope: Entry] = [:]
        var nextSubscriber = 0
    }

    // Not the connection: a call to a server that hangs must not keep it open.
    private let link: Link
    private let router: EventRouter
    private let timers: EventLoop
    private let uri: String
    private let state = Mutex(State())

    /// How long the server may take to register, when no deadline was given.
    static let patience = Duration.seconds(30)

    init(link: Link, router: EventRouter, timers: EventLoop, uri: String) {
        self.link = link
        self.router = router
        self.timers = timers
        self.uri = uri
    }

    /// Subscribes to all of these scopes, or to none.
    ///
    /// - Returns: the subscriber's number, by which it leaves.
    func subscribe(
        _ buffer: EventRouter.Buffer, to scopes: [EventScope],
        until deadline: ContinuousClock.Instant
    ) async throws(LibvirtError) -> Int {
        for scope in scopes where !EventReader.canRead(scope.kind) {
            let problem = "this library is too old for it: its events could not be read"
            throw error(.refused(CallRefusal(.noSupport, problem).error), scope)
        }
        let number = state.withLock { state in
            state.nextSubscriber += 1
            return state.nextSubscriber
        }
        if scopes.isEmpty {
            router.addIdle(number, buffer)
            return number
        }
        let mailboxes = scopes.map { ($0, join(number, buffer, $0)) }
        let alarm = timers.schedule(after: ContinuousClock.now.duration(to: deadline)) { [self] in
            for (scope, mailbox) in mailboxes {
                mailbox.put(.failure(error(.deadlineExceeded(.irrelevant), scope)))
            }
        }
        defer { timers.cancel(alarm) }
        do throws(LibvirtError) {
            for (scope, mailbox) in mailboxes {
                guard case .element(let outcome) = await mailbox.next() else {
                    throw error(.cancelled(.irrelevant), scope)
                }
                try outcome.get()
            }
        } catch {
            leave(number, scopes)
            throw error
        }
        return number
    }

    /// Ends a subscription. What it was the last of is given back, which nobody waits for.
    func leave(_ number: Int, _ scopes: [EventScope]) {
        if scopes.isEmpty { return router.removeIdle(number) }
        let unused = state.withLock { state in
            scopes.compactMap { scope -> (EventScope, Int32)? in
                guard var entry = state.entries[scope] else { return nil }
                defer { state.entries[scope] = entry }
                entry.waiting[number] = nil
                entry.subscribers[number] = nil
                guard case .standing(let callback) = entry.phase else { return nil }
                let route = EventRouter.Route(kind: scope.kind, callback: callback)
                guard entry.subscribers.isEmpty else {
                    router.remove(number, from: route)
                    return nil
                }
                entry.phase = .deregistering
                router.leave(route)
                return (scope, callback)
            }
        }
        for (scope, callback) in unused { deregister(scope, callback) }
    }

    private func join(
        _ number: Int, _ buffer: EventRouter.Buffer, _ scope: EventScope
    ) -> Mailbox {
        let mailbox = Mailbox(capacity: 1)
        let isFirst = state.withLock { state in
            let isFirst = state.entries[scope] == nil
            var entry = state.entries[scope] ?? Entry()
            entry.subscribers[number] = buffer
            if case .standing(let callback) = entry.phase {
                router.add(number, buffer, to: .init(kind: scope.kind, callback: callback))
                mailbox.put(.success(()))
            } else {
                entry.waiting[number] = mailbox
            }
            state.entries[scope] = entry
            return isFirst
        }
        if isFirst { register(scope) }
        return mailbox
    }

    private func error(_ kind: RPCError.Kind, _ scope: EventScope) -> LibvirtError {
        LibvirtError(RPCError(kind, procedure: scope.registering), uri: uri)
    }
}

// MARK: - The server

extension EventRegistry {
    private func register(_ scope: EventScope) {
        router.registrationBegins(scope.kind)
        Task {
            do throws(RPCError) {
                registered(scope, callback: try await scope.register(on: link))
            } catch {
                refused(scope, LibvirtError(error, uri: uri))
            }
        }
    }

    private func registered(_ scope: EventScope, callback: Int32) {
        let (waiting, isUnused) = state.withLock { state -> ([Mailbox], Bool) in
            guard var entry = state.entries[scope] else { return ([], false) }
            let isUnused = entry.subscribers.isEmpty
            entry.phase = isUnused ? .deregistering : .standing(callback: callback)
            router.registrationEnds(
                scope.kind, callback: callback,
                entry.subscribers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            let waiting = Array(entry.waiting.values)
            entry.waiting = [:]
            state.entries[scope] = entry
            return (waiting, isUnused)
        }
        for mailbox in waiting { mailbox.put(.success(())) }
        if isUnused { deregister(scope, callback) }
    }

    private func refused(_ scope: EventScope, _ error: LibvirtError) {
        let waiting = state.withLock { state in
            router.registrationEnds(scope.kind, callback: nil, [])
            return state.entries.removeValue(forKey: scope)?.waiting.values.map(\.self) ?? []
        }
        for mailbox in waiting { mailbox.put(.failure(error)) }
    }

    private func deregister(_ scope: EventScope, _ callback: Int32) {
        Task {
            // Where this fails the connection is gone, and the registration with it.
            _ = try? await scope.deregister(callback, on: link)
            deregistered(scope, callback)
        }
    }

    private func deregistered(_ scope: EventScope, _ callback: Int32) {
        let isWanted = state.withLock { state in
            router.left(.init(kind: scope.kind, callback: callback))
            guard let entry = state.entries[scope] else { return false }
            guard !entry.subscribers.isEmpty else {
                state.entries[scope] = nil
                return false
            }
            state.entries[scope]?.phase = .registering
            return true
        }
        if isWanted { register(scope) }
    }
}

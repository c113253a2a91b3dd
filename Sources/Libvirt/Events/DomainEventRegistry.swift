internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// Which events the server was asked for: one registration per kind and scope, however many
/// subscribe, because a server refuses a second one.
actor DomainEventRegistry {
    struct Scope: Hashable {
        let kind: virDomainEventID
        let domain: LibvirtUUID?
    }

    private struct Registration {
        let callback: Int32
        var subscribers = 0
    }

    private var registrations: [Scope: Registration] = [:]
    private var nextSubscriber = 0
    /// The step that runs now, or ran last: registering and deregistering one scope must not cross.
    private var lastStep: Task<Void, Never>?

    func newSubscriber() -> Int {
        nextSubscriber += 1
        return nextSubscriber
    }

    /// Adds a subscriber to a scope, registering it with the server when it is the first.
    func subscribe(
        _ subscriber: Int, _ buffer: EventRouter.Buffer, kind: virDomainEventID, domain: Domain?,
        on connection: Connection
    ) async throws(LibvirtError) {
        let outcome = EventBuffer<Result<Void, LibvirtError>>(capacity: 1)
        let step = begin { [self] in
            do throws(LibvirtError) {
                try await register(subscriber, buffer, kind: kind, domain: domain, on: connection)
                outcome.put(.success(()))
            } catch {
                outcome.put(.failure(error))
            }
        }
        if case .element(let result) = await outcome.next() {
            try result.get()
            return
        }
        // The caller was cancelled and is free; what the server registers is given back.
        let scope = Scope(kind: kind, domain: domain?.uuid)
        Task {
            await step.value
            guard case .element(.success) = await outcome.next() else { return }
            await unsubscribe(subscriber, from: [scope], on: connection)
        }
        throw LibvirtError(
            .call(RPCError(.cancelled(.mayHaveRun), procedure: Self.registering.name)),
            procedure: Self.registering.name, uri: connection.uri.description)
    }

    private static let registering = Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY
    /// How long the server may take to register or deregister: a server that hangs must not hold up
    /// a connection's end.
    private static let patience = Duration.seconds(30)

    /// Removes a subscriber from the scopes given, deregistering those that it was the last of.
    func unsubscribe(_ subscriber: Int, from scopes: [Scope], on connection: Connection) async {
        await begin { [self] in
            for scope in scopes { await deregister(subscriber, scope, on: connection) }
        }.value
    }

    /// Runs a step behind those that were begun before.
    private func begin(_ step: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        let previous = lastStep
        let task = Task {
            await previous?.value
            await step()
        }
        lastStep = task
        return task
    }

    private func register(
        _ subscriber: Int, _ buffer: EventRouter.Buffer, kind: virDomainEventID, domain: Domain?,
        on connection: Connection
    ) async throws(LibvirtError) {
        let scope = Scope(kind: kind, domain: domain?.uuid)
        let router = connection.events
        if let registration = registrations[scope] {
            router.add(subscriber, buffer, to: registration.callback, kind)
            registrations[scope]?.subscribers += 1
            return
        }
        router.registrationBegins()
        var callback: Int32?
        defer {
            router.registrationEnds(
                callback: callback, kind: kind, subscriber: subscriber, buffer)
        }
        let answer = try await connection.call(
            Self.registering,
            remote_connect_domain_event_callback_register_any_args(
                eventID: kind.rawValue, dom: domain?.raw),
            deadline: .now + Self.patience)
        callback = answer.callbackID
        registrations[scope] = Registration(callback: answer.callbackID, subscribers: 1)
    }

    private func deregister(_ subscriber: Int, _ scope: Scope, on connection: Connection) async {
        guard var registration = registrations[scope] else { return }
        _ = connection.events.remove(subscriber, from: registration.callback)
        registration.subscribers -= 1
        guard registration.subscribers == 0 else {
            registrations[scope] = registration
            return
        }
        registrations[scope] = nil
        // Where this fails the connection is gone, and the registration with it.
        _ = try? await connection.call(
            Remote.CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
            remote_connect_domain_event_callback_deregister_any_args(
                callbackID: registration.callback),
            deadline: .now + Self.patience)
    }
}

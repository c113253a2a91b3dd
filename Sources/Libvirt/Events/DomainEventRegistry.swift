internal import LibvirtProtocol
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
        let result = await inOrder { [self] () async -> Result<Void, LibvirtError> in
            do throws(LibvirtError) {
                try await register(subscriber, buffer, kind: kind, domain: domain, on: connection)
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Removes a subscriber from the scopes given, deregistering those that it was the last of.
    func unsubscribe(_ subscriber: Int, from scopes: [Scope], on connection: Connection) async {
        await inOrder { [self] in
            for scope in scopes { await deregister(subscriber, scope, on: connection) }
        }
    }

    private func inOrder<Value: Sendable>(
        _ step: @escaping @Sendable () async -> Value
    ) async -> Value {
        let previous = lastStep
        let task = Task {
            await previous?.value
            return await step()
        }
        lastStep = Task { _ = await task.value }
        return await task.value
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
            Remote.CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY,
            remote_connect_domain_event_callback_register_any_args(
                eventID: kind.rawValue, dom: domain?.raw))
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
                callbackID: registration.callback))
    }
}

internal import Libvirt
internal import LibvirtProtocol
internal import LibvirtRPC
internal import Synchronization

/// The domains of a libvirt daemon.
///
/// The connection is read-only: everything that is needed can be seen over one, and nothing can be
/// changed by mistake.
public final class LibvirtDomainSource: DomainSource {
    private let supervised: SupervisedConnection
    private let patience: Duration
    private let told = Mutex(Told())
    /// The wait after a refusal, and whether another attempt has been asked for before there was one.
    private let retrying = Mutex<(pause: Task<Void, Never>?, isAsked: Bool)>((nil, false))

    private struct Told {
        /// The connection that stands, and who is to hear of its end.
        var standing: (connection: Connection, notify: @Sendable (SourceNotice) -> Void)?
        /// Whether the last one was left because no list had come, and none has since.
        var isDoubted = false
    }

    /// How long to wait after a refusal: each attempt may count towards locking an account.
    private static let refusalPause = Duration.seconds(300)

    /// A source that connects when it is run, and whenever the connection is lost.
    ///
    /// - Parameters:
    ///   - uri: such as `qemu:///system`.
    ///   - patience: how long an answer may take before the question counts as unanswered.
    public init(uri: String, patience: Duration = .seconds(30)) {
        supervised = SupervisedConnection(
            uri, readOnly: true, kinds: [.lifecycle, .metadataChange, .controlError, .reboot],
            // It waits here, where ``retry()`` ends that.
            backOff: SupervisedConnection.BackOff(refused: nil))
        self.patience = patience
    }

    /// Keeps the connection, and says when to look.
    public func run(_ notify: @escaping @Sendable (SourceNotice) -> Void) async {
        while !Task.isCancelled {
            // Until it is refused.
            await keep(notify)
            let wait = Self.refusalPause * Double.random(in: 1...1.25)
            let pause = Task { _ = try? await Task.sleep(for: wait) }
            retrying.withLock { state in
                if state.isAsked { pause.cancel() }
                state = (pause, false)
            }
            await withTaskCancellationHandler {
                await pause.value
            } onCancel: {
                pause.cancel()
            }
            retrying.withLock { $0.pause = nil }
        }
    }

    /// Connects again at once where it waits because it was refused, or is about to.
    public func retry() {
        if supervised.connection != nil { return }
        retrying.withLock { state in
            if let pause = state.pause { pause.cancel() } else { state.isAsked = true }
        }
    }

    private func keep(_ notify: @escaping @Sendable (SourceNotice) -> Void) async {
        let connected = Mutex((isAgain: false, isNews: false))
        defer { told.withLock { $0.standing = nil } }
        await supervised.run { notice in
            switch notice {
            case .connected(let connection):
                retrying.withLock { $0.isAsked = false }
                connected.withLock { $0 = (isAgain: true, isNews: $0.isAgain) }
                if told.withLock(\.isDoubted), await !answersLists() {
                    // The supervisor makes the next when this one has ended.
                    Task { await connection.close() }
                    return
                }
                told.withLock { $0.standing = (connection, notify) }
                notify(.connected)
            case .gap:
                // One that stands again tells a gap with it, of which nothing more is to be learned.
                let isKnown = connected.withLock { state in
                    defer { state.isNews = false }
                    return state.isNews
                }
                if !isKnown { notify(.gap) }
            case .undecodable: notify(.gap)
            case .disconnected(let error):
                told.withLock { $0.standing = nil }
                notify(.disconnected(reason: "\(error)"))
            case .event(.domain(let event)):
                guard Self.matters(event), let vm = VMIdentifier(bytes: event.uuid.bytes) else {
                    return
                }
                notify(
                    .changed(
                        vm, cause: EventCause(event), incident: DomainIncident(event.content)))
            case .event: break
            }
        }
    }

    /// Metadata of others are no reason to look.
    private static func matters(_ event: DomainEvent) -> Bool {
        guard case .metadataChange(_, let namespace?) = event.content else { return true }
        return namespace == DomainDocument.namespace
    }

    /// All domains, or the active ones. A daemon that does not answer this answers nothing: another connection
    /// is made.
    public func list(_ scope: DomainScope) async throws(DomainSourceError) -> [DomainListing] {
        try await ask(whenUnanswered: giveUp) { connection throws(LibvirtError) in
            let domains = try await connection.listAllDomains(
                flags: scope == .active ? .active : [])
            return domains.compactMap { domain in
                VMIdentifier(bytes: domain.uuid.bytes).map {
                    DomainListing(vm: $0, name: domain.name)
                }
            }
        }
    }

    /// Name, XML and state of one domain.
    public func read(_ vm: VMIdentifier) async throws(DomainSourceError) -> DomainReading? {
        guard let uuid = LibvirtUUID(bytes: vm.bytes) else { return nil }
        return try await ask { connection throws(LibvirtError) in
            do throws(LibvirtError) {
                // Two calls and no more: this is asked for every domain, again and again.
                let domain = Domain(uuid, on: connection)
                let xml = try await domain.xml()
                let state = try await domain.state()
                let name: String
                if let printed = DomainDocument.name(in: xml) {
                    name = printed
                } else {
                    name = try await connection.lookUpDomain(uuid: uuid).name
                }
                return DomainReading(
                    name: name, phase: DomainPhase(state, isActive: Self.isActive(xml)), xml: xml)
            } catch {
                if error.code == .noDomain { return nil }
                throw error
            }
        }
    }

    /// Whether the XML is that of a run: only then its element has an id. The state, which is asked for
    /// separately, can be of another moment than the XML.
    static func isActive(_ xml: String) -> Bool {
        guard let start = xml.firstRange(of: "<domain") else { return false }
        return xml[start.upperBound...].prefix { $0 != ">" }.contains(" id=")
    }

    /// Whether a daemon that lets everybody in and had answered nothing answers again; what is refused is an
    /// answer too.
    private func answersLists() async -> Bool {
        do throws(DomainSourceError) {
            _ = try await list(.active)
        } catch {
            guard case .refused = error else { return false }
        }
        told.withLock { $0.isDoubted = false }
        return true
    }

    /// Leaves a connection over which no list has come, and says so, unless it has been left.
    private func giveUp(_ connection: Connection) -> DomainSourceError {
        let reason = "libvirt has not answered within \(patience)"
        let isCurrent = told.withLock { told in
            guard told.standing?.connection === connection else { return false }
            // Under the lock: the next connection is told after this.
            told.standing?.notify(.disconnected(reason: reason))
            told = Told(isDoubted: true)
            return true
        }
        // The supervisor makes the next when this one has ended.
        if isCurrent { Task { await connection.close() } }
        return .unavailable(reason)
    }

    private func ask<Answer: Sendable>(
        whenUnanswered: ((Connection) -> DomainSourceError)? = nil,
        _ question: @escaping @Sendable (Connection) async throws(LibvirtError) -> Answer
    ) async throws(DomainSourceError) -> Answer {
        guard let connection = supervised.connection else {
            throw .unavailable("there is no connection to libvirt")
        }
        do throws(LibvirtError) {
            return try await inTime(
                connection, attempts: whenUnanswered == nil ? 1 : 3, question)
        } catch {
            if case .call(let call) = error.kind, case .deadlineExceeded = call.kind {
                if let whenUnanswered { throw whenUnanswered(connection) }
                throw .refused("libvirt has not answered within \(patience)")
            }
            throw DomainSourceError(error)
        }
    }

    /// Asks, and asks again where every place was taken by a call that hangs: a second after nobody waits for
    /// those any more it goes round them.
    private func inTime<Answer: Sendable>(
        _ connection: Connection, attempts: Int,
        _ question: @escaping @Sendable (Connection) async throws(LibvirtError) -> Answer
    ) async throws(LibvirtError) -> Answer {
        do throws(LibvirtError) {
            return try await Connection.withDeadline(.now + patience) {
                () async throws(LibvirtError) in try await question(connection)
            }
        } catch {
            guard attempts > 1, error.isTooLateToSend else { throw error }
            return try await inTime(connection, attempts: attempts - 1, question)
        }
    }
}

extension LibvirtError {
    /// Whether a call ended because its time was over before there was a place for it.
    fileprivate var isTooLateToSend: Bool {
        guard case .call(let call) = kind, case .deadlineExceeded(.notSent) = call.kind else {
            return false
        }
        return true
    }
}

extension EventCause {
    /// In the words of libvirt's own tools.
    init(_ event: DomainEvent) {
        if case .lifecycle(let type, let detail) = event.content {
            self.init(LibvirtNames.event(type), LibvirtNames.detail(detail, of: type))
        } else {
            self.init(LibvirtNames.kind(event.kind))
        }
    }
}

extension DomainSourceError {
    init(_ error: LibvirtError) {
        switch error.kind {
        case .server, .unsupported: self = .refused("\(error)")
        case .invalidURI, .authentication, .unreachable, .file, .call:
            self = .unavailable("\(error)")
        }
    }
}

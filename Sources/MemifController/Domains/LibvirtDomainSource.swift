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

    /// A source that connects when it is run, and whenever the connection is lost.
    ///
    /// - Parameters:
    ///   - uri: such as `qemu:///system`.
    ///   - patience: how long an answer may take before the question counts as unanswered.
    public init(uri: String, patience: Duration = .seconds(30)) {
        supervised = SupervisedConnection(
            uri, readOnly: true, kinds: [.lifecycle, .metadataChange, .controlError])
        self.patience = patience
    }

    /// Keeps the connection, and says when to look.
    public func run(_ notify: @escaping @Sendable (SourceNotice) -> Void) async {
        let connected = Mutex((isAgain: false, isNews: false))
        await supervised.run { notice in
            switch notice {
            case .connected:
                connected.withLock { $0 = (isAgain: true, isNews: $0.isAgain) }
                notify(.connected)
            case .gap:
                // One that stands again tells a gap with it, of which nothing more is to be learned.
                let isKnown = connected.withLock { state in
                    defer { state.isNews = false }
                    return state.isNews
                }
                if !isKnown { notify(.gap) }
            case .undecodable: notify(.gap)
            case .disconnected(let error): notify(.disconnected(reason: "\(error)"))
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

    /// All domains, or the active ones.
    public func list(_ scope: DomainScope) async throws(DomainSourceError) -> [DomainListing] {
        try await ask { connection throws(LibvirtError) in
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

    private func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (Connection) async throws(LibvirtError) -> Answer
    ) async throws(DomainSourceError) -> Answer {
        guard let connection = supervised.connection else {
            throw .unavailable("there is no connection to libvirt")
        }
        do throws(LibvirtError) {
            return try await Connection.withDeadline(.now + patience) {
                () async throws(LibvirtError) in try await question(connection)
            }
        } catch {
            if case .call(let call) = error.kind, case .deadlineExceeded = call.kind {
                throw .refused("libvirt has not answered within \(patience)")
            }
            throw DomainSourceError(error)
        }
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

internal import LibvirtRPC
internal import LinuxIO

/// Why something was not changed.
enum ChangeError: Error, Hashable {
    /// What it is about is not there, or libvirt cannot be asked.
    case question(QuestionError)
    /// What is asked for cannot be had: why, and what to do.
    case refused(PortError)
}

/// A port that somebody asks for over the control socket.
struct PortRequest: Sendable {
    /// As a `<memif:port>` of the metadata has them.
    var attributes: [String: String]
    /// How long it is to stand; nil: as long as its domain is defined.
    var lifetime: Duration?

    /// The longest lifetime: what is to stand longer belongs to a definition.
    static let longestLifetime = Duration.seconds(365 * 24 * 3600)
}

/// A channel that is connected to a port.
struct OpenedChannel: Sendable {
    /// One: the channel.
    var descriptors: PassedDescriptors
    /// What the port stands by.
    var declaration: PortDeclaration
}

extension Controller {
    /// Adds a port to a domain that there is, and returns when its socket stands.
    func add(_ request: PortRequest, to name: String) async throws(ChangeError) -> PortReport {
        let vm = try await asking { () async throws(QuestionError) in
            try await domain(called: name)
        }
        return try await add(request, to: vm, expectedName: nil)
    }

    /// Makes a port's socket stand for a domain that need not be there yet.
    ///
    /// - Parameter name: the domain's name to come, by which the policy goes.
    func prepare(
        _ request: PortRequest, for vm: VMIdentifier, name: String
    ) async throws(ChangeError) -> PortReport {
        guard request.lifetime != nil else {
            throw .refused(
                PortError(
                    reason: "a prepared port has to have a lifetime",
                    remedy: "say for how long it is to wait for its domain"))
        }
        return try await add(request, to: vm, expectedName: name)
    }

    /// Removes a port that was added or prepared, and returns when its socket is gone.
    func remove(_ port: String, of name: String) async throws(ChangeError) {
        let vm = try knownDomain(called: name)
        try await turns.take(vm) { () async throws(ChangeError) in
            try await remove(port, of: vm, called: name)
        }
    }

    private func remove(
        _ port: String, of vm: VMIdentifier, called name: String
    ) async throws(ChangeError) {
        guard let removed = host.added.remove(port, of: vm) else {
            guard reports(of: vm).contains(where: { $0.name == port }) else {
                throw .question(.noPort(port, domain: name))
            }
            throw .refused(
                PortError(
                    reason:
                        "port '\(port.printable)' was not added: the domain declares it, or the "
                        + "host's settings do",
                    remedy: "remove it from the domain's metadata, or from the settings"))
        }
        await lookNow(at: vm)
        // One that is declared as well by now stands as declared. One that does not stand would with the next
        // start, as long as it is in the record.
        guard let record = domain(vm)?.snapshot.record,
            record.added.contains(where: { $0.declaration.name == port })
        else { return }
        if gate.isLocked {
            throw .question(
                .unavailable("another virtwired has taken over meanwhile: ask that one"))
        }
        // libvirt is there: a look at this domain fails, or waits for something.
        if connection == .connected {
            throw .refused(.later("port '\(port.printable)' is not yet removed"))
        }
        host.added.add(removed, to: vm)
        throw .question(.unavailable("the connection was lost meanwhile; nothing was removed"))
    }

    /// A channel that is connected to a port, with what a slave has to know besides.
    ///
    /// Nothing is opened while another process takes over: it waits until this one goes on, or is told that
    /// the other has. A channel that was opened before counts as a handshake, for which a hand-over waits.
    func open(
        _ port: String, of name: String, for peer: PeerCredentials?
    ) async throws(ChangeError) -> OpenedChannel {
        let opened = await gate.pass {
            Result { () throws(ChangeError) in try openNow(port, of: name, for: peer) }
        }
        guard let opened else {
            throw .refused(
                PortError(
                    reason: "another virtwired has taken over meanwhile", remedy: "ask that one"))
        }
        return try opened.get()
    }

    private func openNow(
        _ port: String, of name: String, for peer: PeerCredentials?
    ) throws(ChangeError) -> OpenedChannel {
        let vm = try knownDomain(called: name)
        guard let standing = domain(vm)?.snapshot.ports[port] else {
            throw .question(.noPort(port, domain: name))
        }
        if case .closed(let reason) = standing.specification.admission {
            throw .refused(
                PortError(
                    reason: "port '\(port)' serves nobody: \(reason)",
                    remedy: "start the domain, or declare the port with link='always'"))
        }
        do throws(PortError) {
            var descriptors = DescriptorQueue()
            descriptors.append(try standing.port.openChannel(for: peer))
            return OpenedChannel(
                descriptors: PassedDescriptors(descriptors),
                declaration: standing.specification.declaration)
        } catch {
            throw .refused(error)
        }
    }

    /// Begins or ends draining, and returns when every port goes by it.
    ///
    /// - Returns: how many links stand.
    /// - Throws: also where ports go by it only after a later look; it is begun, or ended, then.
    func drain(_ drains: Bool) async throws(ChangeError) -> Int {
        guard connection == .connected else {
            throw .question(.unavailable(connection.problem))
        }
        do throws(PortError) {
            try host.draining.set(drains)
        } catch {
            throw .refused(error)
        }
        await withDiscardingTaskGroup { group in
            for domain in knownDomains { group.addTask { await self.lookNow(at: domain.vm) } }
        }
        try checkDrained(knownDomains)
        return status().ports.count { $0.traffic.isLinkUp }
    }

    /// Begins or ends draining one domain, and returns when its ports go by it.
    ///
    /// - Returns: how many links of its ports stand.
    /// - Throws: as ``drain(_:)``.
    func drain(_ drains: Bool, domain name: String) async throws(ChangeError) -> Int {
        guard connection == .connected else {
            throw .question(.unavailable(connection.problem))
        }
        let vm = try await asking { () async throws(QuestionError) in
            try await domain(called: name)
        }
        do throws(PortError) {
            try host.draining.set(drains, for: vm)
        } catch {
            throw .refused(error)
        }
        await lookNow(at: vm)
        try checkDrained(self.domain(vm).map { [$0] } ?? [])
        return reports(of: vm).count { $0.traffic.isLinkUp }
    }

    /// Says of which domains the look did not come to their ports.
    private func checkDrained(_ domains: [ManagedDomain]) throws(ChangeError) {
        let behind = domains.filter { domain in
            let state = domain.snapshot
            return !state.ports.isEmpty && state.drain != host.draining.scope(of: domain.vm)
        }
        guard !behind.isEmpty else { return }
        let names = behind.map(\.snapshot.name.printable).sorted().prefix(8).joined(separator: ", ")
        throw .refused(.later("not every port goes by it yet (\(names))"))
    }

    private func add(
        _ request: PortRequest, to vm: VMIdentifier, expectedName: String?
    ) async throws(ChangeError) -> PortReport {
        try await turns.take(vm) { () async throws(ChangeError) in
            try await addNow(request, to: vm, expectedName: expectedName)
        }
    }

    private func addNow(
        _ request: PortRequest, to vm: VMIdentifier, expectedName: String?
    ) async throws(ChangeError) -> PortReport {
        let port = try await check(request, for: vm, expectedName)
        let name = port.declaration.name
        let replaced = host.added.add(port, to: vm)
        if let expectedName { expect(vm, name: expectedName) }
        await lookNow(at: vm)
        let standing = domain(vm)?.snapshot.ports[name]?.specification.declaration
        if standing == port.declaration,
            let report = reports(of: vm).first(where: { $0.name == name })
        {
            return report
        }
        // It is not had: nothing of it must come back with a later look, or the next start.
        let condition = reports(of: vm).first { $0.name == name }?.condition
        if let replaced {
            host.added.add(replaced, to: vm)
        } else {
            host.added.remove(name, of: vm)
        }
        await lookNow(at: vm)
        throw .refused(
            PortError(
                reason: condition?.reason ?? "the domain was not there to be looked at",
                remedy: condition?.remedy ?? "try again"))
    }

    /// Whether a port can be had, before anything is done for it.
    private func check(
        _ request: PortRequest, for vm: VMIdentifier, _ expectedName: String?
    ) async throws(ChangeError) -> AddedPort {
        let declaration = try request.declaration()
        guard connection == .connected else {
            throw .question(.unavailable(connection.problem))
        }
        let reading = try await asking { () async throws(QuestionError) in try await read(vm) }
        guard let domainName = reading?.shownName ?? expectedName else {
            throw .question(.noDomain(vm.description))
        }
        let policy = host.policy.current
        let rule = policy.rule(forDomain: domainName)
        let declared = reading.map { DeclaredPorts.read(fromDomainXML: $0.xml, under: rule) }
        let own = Set(declared?.ports.map(\.name) ?? []).union(declared?.malformed ?? [])
        if own.contains(declaration.name) {
            throw .refused(
                PortError(
                    reason: "the domain declares a port '\(declaration.name)' itself",
                    remedy: "change it in the domain's metadata, or add one of another name"))
        }
        let selectors = reading == nil ? [] : policy.selectors.filter { $0.selects(domainName) }
        let given = Set(selectors.flatMap { $0.ports.map(\.name) })
        if given.contains(declaration.name) {
            throw .refused(
                PortError(
                    reason:
                        "the host's settings give the domain a port '\(declaration.name)' already",
                    remedy: "change it in the settings, or add one of another name"))
        }
        let others = host.added.ports(of: vm).map(\.declaration.name)
        let count = own.union(given).union(others).subtracting([declaration.name]).count
        if let breach = rule.breach(of: declaration, beside: count) {
            throw .refused(PortError(reason: breach.sentence, remedy: breach.remedy))
        }
        do throws(PortError) {
            _ = try host.specification(vm, domainName, declaration, .open)
        } catch {
            throw .refused(error)
        }
        let expires = request.lifetime.map { AddedPort.now + $0.milliseconds }
        return AddedPort(declaration: declaration, expires: expires)
    }

    /// A domain that has ports, or asks for some.
    private func knownDomain(called name: String) throws(ChangeError) -> VMIdentifier {
        guard let known = known(called: name) else { throw .question(.noDomain(name)) }
        return known.vm
    }

    private func asking<Answer>(
        _ question: () async throws(QuestionError) -> Answer
    ) async throws(ChangeError) -> Answer {
        do throws(QuestionError) {
            return try await question()
        } catch {
            throw .question(error)
        }
    }
}

extension PortRequest {
    /// The declaration, as strictly as a call can be answered: what is not known is refused, not passed
    /// over with a warning.
    fileprivate func declaration() throws(ChangeError) -> PortDeclaration {
        if let lifetime, lifetime > Self.longestLifetime {
            throw .refused(
                PortError(
                    reason: "a lifetime of \(lifetime) is too long",
                    remedy: "name one of a year at most, or declare the port in the metadata"))
        }
        do throws(PortError) {
            return try PortDeclaration(strictly: attributes)
        } catch {
            throw .refused(error)
        }
    }
}

extension PortError {
    /// A change that holds, and that no look has carried out.
    fileprivate static func later(_ what: String) -> PortError {
        PortError(
            reason: "\(what): no look has carried it out yet",
            remedy: "it goes with the next look; see virtwired's log for what keeps it")
    }
}

extension PolicyBreach {
    /// What it is about, and what is wrong.
    var sentence: String {
        let subject = attribute.map { "attribute \($0.rawValue)" } ?? "the port"
        return "\(subject) \(problem)"
    }
}

internal import LinuxIO
internal import Logging

/// What came of carrying a plan out, or would come of it.
struct DeedOutcome: Sendable {
    /// What failed, by port.
    var failures: [String: PortError] = [:]
    /// What failed about the domain as a whole, without harm to a port.
    var problem: PortError?
    /// What would be done, by port, where nothing is done.
    var foreseen: [String: String] = [:]

    var isSuccess: Bool { failures.isEmpty && problem == nil }
}

/// Carries a plan out: each deed on its own, so that one that fails keeps none of the others back.
struct Deeds {
    let vm: VMIdentifier
    let host: Host
    let times: LookTimes
    /// Told of each port as it comes, and with nil before it goes: what hangs in one deed keeps what the others
    /// have done from nobody.
    private let publish: @Sendable (String, DomainState.Standing?) -> Void

    /// What came of them.
    private(set) var outcome = DeedOutcome()
    /// Why no socket can be opened at all.
    private var obstacle: PortError?

    init(
        vm: VMIdentifier, host: Host, times: LookTimes,
        publish: @escaping @Sendable (String, DomainState.Standing?) -> Void
    ) {
        self.vm = vm
        self.host = host
        self.times = times
        self.publish = publish
    }

    /// Called after whatever may wait for the host: who has been waited for in vain is not to go on.
    private func checkWanted() throws(PortError) {
        if host.gate.isLocked { throw .unwanted }
    }

    /// Does everything that a plan says, removals at the end.
    mutating func carryOut(
        _ plan: PortPlan, _ wanted: WantedPorts, _ state: inout DomainState
    ) async {
        await open(plan, wanted, &state)
        cleanUp(plan, wanted, &state)
    }

    /// Does what a plan says, and leaves alone what an earlier process left.
    mutating func open(
        _ plan: PortPlan, _ wanted: WantedPorts, _ state: inout DomainState
    ) async {
        // Whom a port serves is on no disk but in the record, as what to begin with after a restart: a peer
        // that waits for its domain need not wait for the disk too.
        for action in plan.actions where action.isAdmission { await perform(action, &state) }
        prepare(wanted, &state)
        let before = state.ports.keys
        for action in plan.actions where !action.isAdmission { await perform(action, &state) }
        for name in before { renewSecret(of: name, &state) }
    }

    /// A secret changes in its file, without a word to anybody: so that of a port which stays is read at each
    /// look. One that cannot be read holds as it was.
    private mutating func renewSecret(of name: String, _ state: inout DomainState) {
        guard let standing = state.ports[name] else { return }
        let specification = standing.specification
        do throws(PortError) {
            let secret = try host.secret(specification.declaration.secretReference)
            guard let secret, secret != specification.secret else { return }
            try checkWanted()
            try standing.port.acceptSecret(secret)
            state.ports[name]?.specification.secret = secret
            host.logger.info("another secret holds", metadata: metadata(name, state))
        } catch {
            if outcome.failures[name] == nil { outcome.failures[name] = error }
        }
    }

    /// The record before the deed, and the directory before the socket.
    private mutating func prepare(_ wanted: WantedPorts, _ state: inout DomainState) {
        guard case .defined(let declarations) = wanted, !declarations.isEmpty else { return }
        // Another process may go on with both as they are.
        if host.inherited.areLent { return }
        var ports = state.ports.mapValues { $0.specification.declaration }
        for declaration in declarations { ports[declaration.name] = declaration }
        do throws(PortError) {
            try write(ports, &state)
            let access = access(declarations, state)
            try checkWanted()
            let directory = DomainDirectory(host.layout, vm)
            try directory.ensure(group: access.group)
            try checkWanted()
            admit(access, to: directory)
        } catch {
            obstacle = error
            outcome.problem = error
        }
    }

    /// What keeps some from the directory keeps no port from standing for the others.
    private mutating func admit(_ access: DirectoryAccess, to directory: DomainDirectory) {
        do throws(PortError) {
            try directory.admit(access.list)
        } catch {
            for port in access.guests { outcome.failures[port] = error }
        }
    }

    /// Whom the directory is for. A name that cannot be looked up for the moment does not take it from a port
    /// that stands.
    private func access(
        _ declarations: [PortDeclaration], _ state: DomainState
    ) -> DirectoryAccess {
        let parties = declarations.compactMap { declaration -> DirectoryAccess.Party? in
            let standing = state.ports[declaration.name]?.specification
            let user = declaration.owner.flatMap { Accounts.user($0) ?? standing?.user }
            let group = declaration.group.flatMap { Accounts.group($0) ?? standing?.group }
            if group == nil, declaration.group != nil { return nil }
            return DirectoryAccess.Party(
                port: declaration.name, user: user, group: group ?? host.defaultGroup,
                namesGroup: group != nil)
        }
        return DirectoryAccess(parties, hostGroup: host.defaultGroup)
    }

    /// Writes the record unless it says the same already.
    private func write(
        _ ports: [String: PortDeclaration], _ state: inout DomainState
    ) throws(PortError) {
        let record = DomainRecord(
            vm: vm, name: state.name, isRunning: state.run.isActive,
            isPaused: state.phase.standsStill,
            ports: ports.values.sorted { $0.name < $1.name }, added: host.added.ports(of: vm))
        guard record != state.record else { return }
        try checkWanted()
        try host.records.write(record)
        state.record = record
    }

    /// Does one deed, or says why not.
    private mutating func perform(_ action: PortAction, _ state: inout DomainState) async {
        do throws(PortError) {
            try checkWanted()
            switch action {
            case .open(let declaration, let admission):
                try open(declaration, admission, &state)
            case .reopen(let declaration, let admission, let reason):
                if let obstacle { throw obstacle }
                // What the host cannot provide does not cost the port that stands.
                _ = try host.specification(vm, state.name, declaration, admission)
                try checkWanted()
                await close(declaration.name, reason, &state)
                try open(declaration, admission, &state)
            case .adjust(let declaration):
                try adjust(declaration, &state)
            case .admit(let name, let admission):
                admit(name, admission, &state)
            case .close(let name, let reason):
                await close(name, reason, &state)
            }
        } catch {
            outcome.failures[action.port] = error
        }
    }

    private func open(
        _ declaration: PortDeclaration, _ admission: Admission, _ state: inout DomainState
    ) throws(PortError) {
        if let obstacle { throw obstacle }
        let specification = try host.specification(vm, state.name, declaration, admission)
        try checkWanted()
        let wasLeft = host.inherited.names(of: vm).contains(declaration.name)
        let port = try host.backend.open(specification)
        // Before whoever has all ports go on can see it.
        port.setPaused(state.phase.standsStill)
        let standing = DomainState.Standing(port: port, specification: specification)
        state.ports[declaration.name] = standing
        publish(declaration.name, standing)
        let latency = times.noticed.duration(to: .now)
        state.latencies[declaration.name] = latency
        host.logger.info(
            port.isInherited ? "socket goes on listening" : "socket listening",
            metadata: metadata(
                declaration.name, state,
                ["path": "\(specification.path)", "microseconds": "\(latency.microseconds)"]))
        // What was opened in another process has its line from there.
        if port.isInherited { return }
        if wasLeft { host.noteClosed(specification, DisconnectText.changed) }
        host.audit.note(AuditEvent(.portOpened, vm, state.name, port: declaration.name))
    }

    private func adjust(
        _ declaration: PortDeclaration, _ state: inout DomainState
    ) throws(PortError) {
        guard let standing = state.ports[declaration.name] else { return }
        var specification = try host.specification(
            vm, state.name, declaration, standing.specification.admission)
        // Which is no matter of its place.
        specification.secret = standing.specification.secret
        try checkWanted()
        try standing.port.place(specification)
        state.ports[declaration.name]?.specification = specification
        host.logger.info("port adjusted", metadata: metadata(declaration.name, state))
    }

    private func admit(_ name: String, _ admission: Admission, _ state: inout DomainState) {
        guard let standing = state.ports[name] else { return }
        standing.port.setAdmission(admission)
        state.ports[name]?.specification.admission = admission
    }

    private func close(_ name: String, _ reason: String, _ state: inout DomainState) async {
        guard let standing = state.ports.removeValue(forKey: name) else { return }
        publish(name, nil)
        await standing.port.close(reason: reason)
        state.latencies[name] = nil
        host.logger.info(
            "socket removed", metadata: metadata(name, state, ["reason": "\(reason)"]))
        host.audit.note(AuditEvent(.portClosed, vm, state.name, port: name, reason: reason))
    }

    /// After the deeds: what an earlier process left goes, and the record says what is wanted still.
    private mutating func cleanUp(
        _ plan: PortPlan, _ wanted: WantedPorts, _ state: inout DomainState
    ) {
        if host.gate.isLocked { return }
        host.closeUnclaimed(of: vm, beside: plan.portsAfter)
        if state.isEmpty { return }
        let directory = DomainDirectory(host.layout, vm)
        let rest = directory.sweep(keeping: plan.portsAfter)
        let foreign = rest.foreign
        if foreign != state.foreign, foreign.count > 0 {
            host.logger.warning(
                "a domain's directory holds files that are not ours",
                metadata: times.metadata.merging([
                    "directory": "\(directory.path)",
                    "files": "\(foreign.first.map(\.printable).joined(separator: " "))",
                    "count": "\(foreign.count)",
                ]) { $1 })
        }
        state.foreign = foreign
        do throws(PortError) {
            // The record tells of what has yet to go.
            if let problem = rest.problem { throw problem }
            try checkWanted()
            if plan.portsAfter.isEmpty {
                try directory.remove()
                try checkWanted()
                try host.records.remove(vm)
                state.record = nil
            } else if case .defined(let declarations) = wanted {
                try write(
                    Dictionary(
                        declarations.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }),
                    &state)
            }
            state.hasLeftovers = false
        } catch {
            outcome.problem = error
        }
    }

    private func metadata(
        _ port: String, _ state: DomainState, _ more: Logger.Metadata = [:]
    ) -> Logger.Metadata {
        let common: Logger.Metadata = [
            "vm": "\(vm)", "domain": "\(state.name.printable)", "port": "\(port)",
        ]
        return more.merging(common) { first, _ in first }.merging(times.metadata) { first, _ in
            first
        }
    }
}

extension PortError {
    fileprivate static var unwanted: PortError {
        PortError(
            reason: "this process is about to end, and does nothing more",
            remedy: "leave it to the next one")
    }
}

extension Duration {
    /// Whole microseconds, rounded down.
    var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}

internal import Logging
internal import Synchronization

/// One domain, and the ports that it has on this host.
///
/// Reconciliations of one domain never overlap: whoever calls sees to that. A status may be asked for
/// at any time, and shows the state after the last one.
final class ManagedDomain: Sendable {
    let vm: VMIdentifier
    private let host: Host
    private let state: Mutex<DomainState>
    private let news: Mutex<RunNews>

    /// A domain that is new to this process.
    ///
    /// - Parameter hasLeftovers: whether something on disk bears its UUID.
    init(_ vm: VMIdentifier, name: String, host: Host, hasLeftovers: Bool = false) {
        self.vm = vm
        self.host = host
        state = Mutex(DomainState(name: name, hasLeftovers: hasLeftovers))
        news = Mutex(RunNews())
    }

    /// A domain that an earlier process kept a record of.
    init(_ record: DomainRecord, host: Host) {
        vm = record.vm
        self.host = host
        var state = DomainState(name: record.name, record: record)
        state.run = record.isRunning ? .running : .idle
        if record.isPaused { state.phase = .paused }
        let added = Set(record.added.map(\.declaration.name))
        state.lastGood = Self.byName(record.ports.filter { !added.contains($0.name) })
        self.state = Mutex(state)
        news = Mutex(RunNews(isUnderWay: record.isRunning))
    }

    /// What is known as of the last reconciliation, with the ports that stand now.
    var snapshot: DomainState { state.withLock { $0 } }

    /// How soon to look because a port's socket file is not as it was placed; nil where all are. Asked again and
    /// again, of every domain.
    var damage: ReconcileQueue.Urgency? {
        let state = snapshot
        let damaged = state.damagedNow
        if damaged.isEmpty { return nil }
        // What a look could not put right is damaged still at each poll.
        return damaged.isSubset(of: state.damaged) ? .patient : .routine
    }

    /// Opens what the record tells of and does not stand, before anything can be asked; so nothing is removed
    /// yet.
    ///
    /// - Parameter ran: whether peers were served in the process before because the domain ran, or had run
    ///   a moment before: the linger, if it is one, begins anew with the first look.
    func restore(_ times: LookTimes, ran: Bool = false) async {
        var state = snapshot
        recallFormer(&state)
        if ran { state.run = .running }
        // As long as libvirt has not been asked: what stood, as far as the policy of today allows it.
        let wanted = WantedPorts.defined(declarationsAsBefore(&state))
        state.drain = host.draining.scope(of: vm)
        let plan = PortPlan(
            wanted: wanted, standing: state.standing, run: state.run,
            isDraining: state.drain != nil, now: .now)
        var deeds = deeds(times)
        await deeds.open(plan, wanted, &state)
        if host.gate.isLocked { return }
        state.followPhase()
        state.waiting = host.inherited.names(of: vm)
        report(state.update(state.assess(nil, deeds.outcome)), state, times)
        store(state)
    }

    /// Something has happened of which the next look may find no trace.
    func note(_ incident: DomainIncident) {
        report(news.withLock { $0.hear(incident, now: .now) }, of: snapshot.name)
    }

    /// Makes what stands what is wanted, as far as it goes.
    ///
    /// - Parameters:
    ///   - reading: the domain as it is now; nil when there is none any more.
    ///   - grace: how long one that there is none of may yet be back; nil: it is gone for good.
    func reconcile(
        _ reading: DomainReading?, backWithin grace: Duration? = nil, _ times: LookTimes
    ) async -> ReconcileQueue.Outcome {
        var state = snapshot
        // What has left comes back, if it does, with events of its own.
        let grace = phase(of: reading) == .off(.migrated) ? nil : grace
        state.graceLeft = reading == nil ? grace : nil
        if reading == nil, grace == nil { host.added.loseDefinition(of: vm) }
        let (wanted, declared) = look(at: reading, &state)
        let phase = state.phase
        report(news.withLock { $0.find(phase, begun: times.begun, now: .now) }, of: state.name)
        let outcome = await carryOut(wanted, declared: declared, &state, times)
        store(state)
        return outcome
    }

    /// What a reconciliation would do now, and why. Nothing is done, and nothing is remembered.
    func foresee(_ reading: DomainReading?) -> [PlanStep] {
        var state = snapshot
        let grace = host.configuration.orphanGrace
        state.graceLeft = reading == nil && grace > .zero ? grace : nil
        let (wanted, declared) = look(at: reading, &state)
        return foresight(wanted, plan(wanted, state), state).steps(beside: declared)
    }

    /// What is wanted by what was read.
    private func look(
        at reading: DomainReading?, _ state: inout DomainState
    ) -> (WantedPorts, DeclaredPorts?) {
        state.phase = phase(of: reading)
        state.run = state.run.next(state.phase, now: .now)
        if let reading { state.name = reading.shownName }
        let rule = host.policy.current.rule(forDomain: state.name)
        guard let reading else {
            // As long as it may be back: what stood.
            if state.graceLeft != nil { return (.defined(declarationsAsBefore(&state)), nil) }
            // What was prepared for a domain stands before there is one.
            var prepared = DeclaredPorts()
            let ports = host.added.ports(of: vm).filter { $0.expires != nil }
            if ports.isEmpty { return (.gone, nil) }
            return (.defined(prepared.joined([], with: ports, under: rule)), prepared)
        }
        var declared = state.lastReading.ports(of: reading.xml, under: rule)
        declared.refuseInterfaces(in: host.layout)
        return (.defined(declarations(&declared, &state)), declared)
    }

    /// How it runs; how the last run ended goes by what an event has told, where nothing else tells.
    private func phase(of reading: DomainReading?) -> DomainPhase {
        let phase = reading?.phase ?? .off(nil)
        return phase == .off(nil) ? .off(news.withLock(\.lastEnd)) : phase
    }

    /// What stood and was added, as far as the policy of today allows it.
    private func declarationsAsBefore(_ state: inout DomainState) -> [PortDeclaration] {
        var unread = DeclaredPorts()
        unread.isUnreadable = true
        return declarations(&unread, &state)
    }

    /// Everything that is to stand: what the domain declares, what the host gives it, and what was added.
    private func declarations(
        _ declared: inout DeclaredPorts, _ state: inout DomainState
    ) -> [PortDeclaration] {
        let policy = host.policy.current
        let rule = policy.rule(forDomain: state.name)
        let own = declared.resolved(lastGood: state.lastGood, under: rule)
        state.lastGood = Self.byName(own)
        let given = declared.joined(own, with: policy, forDomain: state.name)
        return declared.joined(given, with: host.added.ports(of: vm), under: rule)
    }

    /// Has the record tell no longer of added ports that have been taken away: no look may come any more that
    /// would strike them out, and the next process would put them back.
    func strikeOutRemoved() {
        var state = snapshot
        guard var record = state.record else { return }
        let added = Set(host.added.ports(of: vm).map(\.declaration.name))
        let removed = Set(record.added.map(\.declaration.name)).subtracting(added)
        if removed.isEmpty { return }
        record.added.removeAll { removed.contains($0.declaration.name) }
        record.ports.removeAll { removed.contains($0.name) }
        do throws(PortError) {
            try host.records.write(record)
            state.record = record
            store(state)
        } catch {
            host.logger.warning(
                "a port that was removed comes back with the next start",
                metadata: [
                    "vm": "\(vm)", "reason": "\(error.reason)", "remedy": "remove it once more",
                ])
        }
    }

    /// Closes every port and keeps the record: the next process puts them back.
    func stop() async {
        strikeOutRemoved()
        var state = snapshot
        for (name, standing) in state.ports.sorted(by: { $0.key < $1.key }) {
            await standing.port.close(reason: DisconnectText.stopping)
            host.audit.noteLater(
                AuditEvent(
                    .portClosed, vm, state.name, port: name, reason: DisconnectText.stopping))
        }
        state.ports = [:]
        let directory = DomainDirectory(host.layout, vm)
        _ = directory.sweep(keeping: [])
        try? directory.remove()
        store(state)
    }

    /// Keeps a state; who watches is told when it shows.
    private func store(_ new: DomainState) {
        let isNews = state.withLock { state in
            defer { state = new }
            return state.conditions != new.conditions || state.name != new.name
        }
        if isNews { host.changes.tell(.ports(vm, name: new.name)) }
    }

    private static func byName(_ ports: [PortDeclaration]) -> [String: PortDeclaration] {
        Dictionary(ports.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func carryOut(
        _ wanted: WantedPorts, declared: DeclaredPorts?, _ state: inout DomainState,
        _ times: LookTimes
    ) async -> ReconcileQueue.Outcome {
        state.drain = host.draining.scope(of: vm)
        recallFormer(&state)
        let plan = plan(wanted, state)
        let outcome: DeedOutcome
        if host.configuration.observes {
            outcome = foresight(wanted, plan, state).outcome
        } else {
            var deeds = deeds(times)
            // What stands need not wait for disks and accounts; what is opened does.
            state.followPhase()
            await deeds.carryOut(plan, wanted, &state)
            if host.gate.isLocked { return .unavailable }
            state.followPhase()
            outcome = deeds.outcome
        }
        // Nobody asks where there is no failure to wait for.
        state.damaged = outcome.isSuccess ? [] : state.damagedNow
        state.waiting = host.inherited.names(of: vm)
        let changed = state.update(state.assess(declared, outcome))
        state.former = [:]
        report(changed, state, times)
        report(breaches: declared?.findings.filter(\.isBreach) ?? [], of: changed, state)
        // Not every end of a standstill is told: that of a migration that fails is not.
        let standstill = state.phase.standsStill ? host.configuration.pollInterval : nil
        let pauses = [plan.lookAgainAfter, nextExpiry, state.graceLeft, standstill]
            .compactMap(\.self)
        return outcome.isSuccess
            ? .settled(lookAgainAfter: pauses.min()) : .failed(lookAgainAfter: pauses.min())
    }

    /// Which show each port as it comes and goes: a look may hang between two, and whoever has every port stand
    /// still or go on meanwhile has to find it.
    private func deeds(_ times: LookTimes) -> Deeds {
        Deeds(vm: vm, host: host, times: times) { [self] name, standing in
            state.withLock { $0.ports[name] = standing }
        }
    }

    /// Before anything is known of the ports here: how they were in the process that has left them.
    private func recallFormer(_ state: inout DomainState) {
        if state.conditions.isEmpty { state.former = host.inherited.conditions(of: vm) }
    }

    /// How long until the first added port ends.
    private var nextExpiry: Duration? {
        let first = host.added.ports(of: vm).compactMap(\.expires).min()
        return first.map { .milliseconds(max($0 - AddedPort.now, 0) + 1) }
    }

    private func plan(_ wanted: WantedPorts, _ state: DomainState) -> PortPlan {
        PortPlan(
            wanted: wanted, standing: state.standing, run: state.run,
            isDraining: host.draining.scope(of: vm) != nil, now: .now)
    }

    private func foresight(
        _ wanted: WantedPorts, _ plan: PortPlan, _ state: DomainState
    ) -> Foresight {
        Foresight(vm: vm, host: host, wanted: wanted, plan: plan, state: state)
    }

    /// A line for whoever wants to know why, here and in the audit.
    private func report(_ news: AuditEvent.Kind?, of name: String) {
        guard let news else { return }
        host.audit.noteLater(AuditEvent(news, vm, name))
        // Which is nothing to be warned of; at the level debug every event has a line.
        if news == .domainRebooted { return }
        let incident = news == .domainCrashed ? "crashed" : "ended by itself"
        host.logger.warning(
            "a domain with ports has \(incident)",
            metadata: ["vm": "\(vm)", "domain": "\(name.printable)"])
    }

    /// A line in the audit for each port that the policy has newly refused something.
    private func report(
        breaches: [DeclarationFinding], of changed: [String], _ state: DomainState
    ) {
        for breach in breaches where changed.contains(breach.port ?? breach.element) {
            host.audit.note(
                AuditEvent(
                    .policyRefused, vm, state.name, port: breach.port, reason: breach.reason))
        }
    }

    /// One line for each port whose condition has changed.
    private func report(_ changed: [String], _ state: DomainState, _ times: LookTimes) {
        for name in changed {
            guard let condition = state.conditions[name]?.condition else { continue }
            var metadata: Logger.Metadata = [
                "vm": "\(vm)", "domain": "\(state.name.printable)", "port": "\(name)",
                "state": "\(condition.state.rawValue)",
            ]
            if !condition.reason.isEmpty { metadata["reason"] = "\(condition.reason)" }
            if !condition.remedy.isEmpty { metadata["remedy"] = "\(condition.remedy)" }
            metadata.merge(times.metadata) { first, _ in first }
            switch condition.state {
            case .ready, .waiting, .connected, .draining, .planned:
                host.logger.info("port changed", metadata: metadata)
            case .degraded, .failed: host.logger.warning("port changed", metadata: metadata)
            }
        }
    }
}

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

    /// A domain that is new to this process.
    ///
    /// - Parameter hasLeftovers: whether something on disk bears its UUID.
    init(_ vm: VMIdentifier, name: String, host: Host, hasLeftovers: Bool = false) {
        self.vm = vm
        self.host = host
        state = Mutex(DomainState(name: name, hasLeftovers: hasLeftovers))
    }

    /// A domain that an earlier process kept a record of.
    init(_ record: DomainRecord, host: Host) {
        vm = record.vm
        self.host = host
        var state = DomainState(name: record.name, record: record)
        state.run = record.isRunning ? .running : .idle
        state.lastGood = Self.byName(record.ports)
        self.state = Mutex(state)
    }

    /// What is known as of the last reconciliation.
    var snapshot: DomainState { state.withLock { $0 } }

    /// Opens what the record tells of, before anything can be asked; so nothing is removed yet.
    func restore(noticed: ContinuousClock.Instant) async {
        var state = snapshot
        // As long as libvirt has not been asked: what stood, as far as the policy of today allows it.
        var unread = DeclaredPorts()
        unread.isUnreadable = true
        let rule = host.policy.current.rule(forDomain: state.name)
        let wanted = WantedPorts.defined(unread.resolved(lastGood: state.lastGood, under: rule))
        let plan = PortPlan(wanted: wanted, standing: [:], run: state.run, now: .now)
        var deeds = Deeds(vm: vm, host: host, noticed: noticed)
        deeds.prepare(plan, wanted, &state)
        for action in plan.actions { await deeds.perform(action, &state) }
        report(state.update(state.assess(wanted, nil, deeds)), state)
        self.state.withLock { $0 = state }
    }

    /// Makes what stands what is wanted, as far as it goes.
    ///
    /// - Parameters:
    ///   - reading: the domain as it is now; nil when there is none any more.
    ///   - noticed: when the first sign of a change came.
    func reconcile(
        _ reading: DomainReading?, noticed: ContinuousClock.Instant
    ) async -> ReconcileQueue.Outcome {
        var state = snapshot
        state.run = state.run.next(isRunning: reading?.isActive ?? false, now: .now)
        let outcome: ReconcileQueue.Outcome
        if let reading {
            state.name = reading.shownName
            let rule = host.policy.current.rule(forDomain: state.name)
            let declared = DeclaredPorts.read(fromDomainXML: reading.xml, under: rule)
            let declarations = declared.resolved(lastGood: state.lastGood, under: rule)
            state.lastGood = Self.byName(declarations)
            outcome = await carryOut(
                .defined(declarations), declared: declared, &state, noticed: noticed)
        } else {
            outcome = await carryOut(.gone, declared: nil, &state, noticed: noticed)
        }
        self.state.withLock { $0 = state }
        return outcome
    }

    /// Closes every port and keeps the record: the next process puts them back.
    func stop() async {
        var state = snapshot
        for (_, standing) in state.ports.sorted(by: { $0.key < $1.key }) {
            await standing.port.close(reason: DisconnectText.stopping)
        }
        state.ports = [:]
        let directory = DomainDirectory(host.layout, vm)
        _ = directory.sweep(keeping: [])
        try? directory.remove()
        self.state.withLock { $0 = state }
    }

    private static func byName(_ ports: [PortDeclaration]) -> [String: PortDeclaration] {
        Dictionary(ports.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func carryOut(
        _ wanted: WantedPorts, declared: DeclaredPorts?, _ state: inout DomainState,
        noticed: ContinuousClock.Instant
    ) async -> ReconcileQueue.Outcome {
        let plan = PortPlan(
            wanted: wanted, standing: state.standing, run: state.run, now: .now)
        var deeds = Deeds(vm: vm, host: host, noticed: noticed)
        deeds.prepare(plan, wanted, &state)
        for action in plan.actions { await deeds.perform(action, &state) }
        deeds.cleanUp(plan, wanted, &state)
        report(state.update(state.assess(wanted, declared, deeds)), state)
        return deeds.failures.isEmpty && deeds.problem == nil
            ? .settled(lookAgainAfter: plan.lookAgainAfter) : .failed
    }

    /// One line for each port whose condition has changed.
    private func report(_ changed: [String], _ state: DomainState) {
        for name in changed {
            guard let condition = state.conditions[name]?.condition else { continue }
            var metadata: Logger.Metadata = [
                "vm": "\(vm)", "domain": "\(state.name.printable)", "port": "\(name)",
                "state": "\(condition.state.rawValue)",
            ]
            if !condition.reason.isEmpty { metadata["reason"] = "\(condition.reason)" }
            if !condition.remedy.isEmpty { metadata["remedy"] = "\(condition.remedy)" }
            switch condition.state {
            case .ready, .waiting, .connected, .planned:
                host.logger.info("port changed", metadata: metadata)
            case .degraded, .failed: host.logger.warning("port changed", metadata: metadata)
            }
        }
    }
}

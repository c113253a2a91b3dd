/// What would be done about one port, and why.
public struct PlanStep: Sendable, Hashable {
    /// What would be done, in one word.
    public enum Deed: String, Sendable, Hashable, CaseIterable {
        /// Nothing: the port stands as declared.
        case keep
        /// A socket would be made.
        case open
        /// Peers would be let go, and the socket made anew.
        case reopen
        /// The socket would be put right under the link that stands.
        case adjust
        /// Peers would be served, or served no longer.
        case admit
        /// The socket would be removed.
        case close
        /// The declaration cannot be used: it makes no port, and changes none.
        case refuse
        /// The host cannot provide what is declared.
        case fail
    }

    /// The domain.
    public var vm: VMIdentifier
    /// The domain's name.
    public var domainName: String
    /// The port's name; for an element without a usable name, the element's place.
    public var port: String
    /// In one word.
    public var deed: Deed
    /// What exactly, and why.
    public var reason: String
    /// What to do about it; empty where nothing has to be done.
    public var remedy: String
}

/// A plan put into words instead of deeds: what would be done for one domain now. Nothing is done.
struct Foresight {
    let vm: VMIdentifier
    let host: Host
    let wanted: WantedPorts
    let plan: PortPlan
    let state: DomainState

    /// Each port's, in the order of doing: first what would be refused, last what would stay.
    func steps(beside declared: DeclaredPorts?) -> [PlanStep] {
        let findings = (declared?.findings ?? []).filter { $0.severity == .error }
        let refusals = findings.map { finding in
            step(finding.port ?? finding.element, .refuse, finding.reason, finding.remedy)
        }
        let changes = plan.actions.map { step(of: $0) }
        let changed = Set(plan.actions.map(\.port))
        let kept = plan.portsAfter.subtracting(changed).sorted().map { name in
            step(name, .keep, reasonToKeep(name))
        }
        return refusals + changes + kept
    }

    /// What carrying the plan out would come to.
    var outcome: DeedOutcome {
        var outcome = DeedOutcome()
        for step in plan.actions.map({ step(of: $0) }) {
            if step.deed == .fail {
                outcome.failures[step.port] = PortError(reason: step.reason, remedy: step.remedy)
            } else {
                outcome.foreseen[step.port] = step.reason
            }
        }
        return outcome
    }

    private func step(of action: PortAction) -> PlanStep {
        do throws(PortError) {
            switch action {
            case .open(let port, let admission):
                let path = try host.specification(vm, state.name, port, admission).path
                return step(port.name, .open, "would listen at \(path) and \(words(admission))")
            case .reopen(let port, let admission, _):
                _ = try host.specification(vm, state.name, port, admission)
                return step(
                    port.name, .reopen,
                    "would let peers go and listen anew, because no link can stand over a change of "
                        + changes(of: port))
            case .adjust(let port):
                return step(port.name, .adjust, reasonToAdjust(port))
            case .admit(let name, let admission):
                return step(name, .admit, "would \(words(admission))")
            case .close(let name, let reason):
                return step(name, .close, "would let peers go and remove the socket: \(reason)")
            }
        } catch {
            return step(action.port, .fail, error.reason, error.remedy)
        }
    }

    private func step(
        _ port: String, _ deed: PlanStep.Deed, _ reason: String, _ remedy: String = ""
    ) -> PlanStep {
        PlanStep(
            vm: vm, domainName: state.name, port: port, deed: deed, reason: reason, remedy: remedy)
    }

    private func words(_ admission: Admission) -> String {
        switch admission {
        case .open: "serve peers"
        case .draining: "serve the peer that is connected, and no further one"
        case .closed(let reason): "turn peers away: \(reason)"
        }
    }

    private func reasonToKeep(_ name: String) -> String {
        guard case .defined = wanted else { return "serves peers until the linger is over" }
        return "stands as declared, to "
            + (state.ports[name].map { words($0.specification.admission) } ?? "be opened")
    }

    private func reasonToAdjust(_ port: PortDeclaration) -> String {
        switch state.ports[port.name]?.port.socketState() {
        case .lost: "would listen anew under the link: the socket file is gone, or not ours"
        case .altered: "would give the socket its owner, group and mode back"
        case .standing, nil: "would change \(changes(of: port)), under the link"
        }
    }

    /// The attributes in which a declaration is not what stands.
    private func changes(of port: PortDeclaration) -> String {
        let new = port.attributes
        let old = state.ports[port.name]?.specification.declaration.attributes ?? [:]
        let names = Set(new.keys).union(old.keys).filter { new[$0] != old[$0] }
        return names.sorted().joined(separator: ", ")
    }
}

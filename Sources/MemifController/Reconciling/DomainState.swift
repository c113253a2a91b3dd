internal import Foundation

/// Everything that is known of one domain's ports, as of its last reconciliation.
struct DomainState: Sendable {
    /// A port that stands.
    struct Standing: Sendable {
        var port: any Port
        var specification: PortSpecification
    }

    /// A condition, and since when it has been so.
    struct Dated: Sendable, Hashable {
        var condition: PortCondition
        /// Milliseconds since 1970.
        var since: Int64
    }

    var name: String
    var run: RunState = .idle
    var phase = DomainPhase.off(nil)
    /// How long it may yet be back, where it was missing at the last look; nil where it is there, or gone
    /// for good.
    var graceLeft: Duration?
    var lastReading = LastReading()
    /// The declarations that are to stand, when they could last be understood.
    var lastGood: [String: PortDeclaration] = [:]
    var ports: [String: Standing] = [:]
    /// The ports that another process has left and that have not been opened yet.
    var waiting: Set<String> = []
    /// What is on disk.
    var record: DomainRecord?
    /// Whether something of an earlier process may be on disk that no record tells of.
    var hasLeftovers = false
    /// How ports that another process has left were, until libvirt has been asked.
    var former: [String: Dated] = [:]
    /// By port; what is about the declaration as a whole stands under its element's name.
    var conditions: [String: Dated] = [:]
    /// From the first notice of a port to its socket listening.
    var latencies: [String: Duration] = [:]
    /// The ports that the last look could not put right.
    var damaged: Set<String> = []
    /// Why its ports get no new links; nil where they may have some.
    var drain: DrainScope?
    /// What is in the domain's directory that is not ours.
    var foreign = DomainDirectory.Foreign()

    /// Whether nothing of ours stands, here or on disk.
    var isEmpty: Bool { ports.isEmpty && record == nil && !hasLeftovers }

    var standing: [String: StandingPort] {
        ports.mapValues { standing in
            StandingPort(
                declaration: standing.specification.declaration,
                admission: standing.specification.admission, socket: standing.port.socketState())
        }
    }

    /// The ports whose socket file is not as it was placed.
    var damagedNow: Set<String> {
        Set(ports.filter { $0.value.port.socketState() != .standing }.keys)
    }

    /// Replaces the conditions; one that is as before keeps its time, though it be that of another process.
    ///
    /// - Returns: the names of those that changed, sorted.
    mutating func update(_ new: [String: PortCondition]) -> [String] {
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        var changed: [String] = []
        var result: [String: Dated] = [:]
        for (name, condition) in new {
            let old = conditions[name]
            if let old, old.condition == condition {
                result[name] = old
                continue
            }
            let former = former[name].flatMap { $0.condition == condition ? $0 : nil }
            result[name] = former ?? Dated(condition: condition, since: now)
            changed.append(name)
        }
        conditions = result
        return changed.sorted()
    }

    /// The command that ends what keeps new links from its ports.
    private var drainEnd: String {
        drain == .domain ? "virtwire drain \(name.printable) --end" : "virtwire drain --end"
    }

    /// Has the ports that stand drop frames, or pass them, as the domain stands still or runs.
    func followPhase() {
        for standing in ports.values { standing.port.setPaused(phase.standsStill) }
    }

    /// How each port is.
    func assess(
        _ declared: DeclaredPorts?, _ outcome: DeedOutcome
    ) -> [String: PortCondition] {
        var result: [String: PortCondition] = [:]
        let failures = outcome.failures
        // What is about the domain, and no port has told of.
        if let problem = outcome.problem, !failures.values.contains(problem) {
            result[DeclarationFinding.domain] = PortCondition(
                .degraded, reason: problem.reason, remedy: problem.remedy)
        }
        let findings = declared?.findings ?? []
        // What keeps a port from standing is told before what is merely odd about it.
        let errorsFirst =
            findings.filter { $0.severity == .error } + findings.filter { $0.severity == .warning }
        for finding in errorsFirst where result[finding.port ?? finding.element] == nil {
            // A port that stands as it was works; one that never stood does not.
            let name = finding.port ?? finding.element
            let works = ports[name] != nil || finding.severity == .warning
            result[name] = PortCondition(
                works ? .degraded : .failed, reason: finding.reason, remedy: finding.remedy)
        }
        for (name, standing) in ports where result[name] == nil {
            switch standing.specification.admission {
            case .open: result[name] = phase.condition
            case .draining:
                result[name] = PortCondition(
                    .draining,
                    reason:
                        "a peer that is connected goes on until the domain ends; no further one "
                        + "is served",
                    remedy: drainEnd + " has peers served again")
            case .closed(let reason): result[name] = PortCondition(.waiting, reason: reason)
            }
        }
        for (name, plan) in outcome.foreseen where result[name] == nil {
            result[name] = PortCondition(.planned, reason: plan)
        }
        for (name, failure) in failures { result[name] = condition(of: name, failure) }
        return result
    }

    private func condition(of name: String, _ failure: PortError) -> PortCondition {
        if ports[name] != nil {
            return PortCondition(.degraded, reason: failure.reason, remedy: failure.remedy)
        }
        guard waiting.contains(name) else {
            return PortCondition(.failed, reason: failure.reason, remedy: failure.remedy)
        }
        return PortCondition(
            .degraded,
            reason: "the port and its link stand still, as another process left them, because "
                + failure.reason,
            remedy: failure.remedy + "; in the end the peer is let go")
    }
}

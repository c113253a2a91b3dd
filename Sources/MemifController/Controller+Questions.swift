/// Why a question about a domain has no answer.
enum QuestionError: Error, Hashable {
    /// There is none of this name or UUID.
    case noDomain(String)
    /// The domain has no port of this name, nor asks for one.
    case noPort(String, domain: String)
    /// libvirt cannot be asked, or refuses.
    case unavailable(String)
}

/// Everything about one port.
struct PortDetails: Sendable {
    var report: PortReport
    /// What it stands by; nil while it does not stand.
    var declaration: PortDeclaration?
}

extension Controller {
    /// The ports of one domain, sorted by name; none when it is not known.
    func reports(of vm: VMIdentifier) -> [PortReport] {
        let reports = domain(vm)?.snapshot.reports(vm: vm, layout: host.layout) ?? []
        return reports.sorted { $0.name < $1.name }
    }

    /// One port, by its domain's name or UUID.
    func details(ofPort name: String, of domain: String) throws(QuestionError) -> PortDetails {
        guard let known = known(called: domain) else { throw .noDomain(domain) }
        guard let report = reports(of: known.vm).first(where: { $0.name == name }) else {
            throw .noPort(name, domain: domain)
        }
        return PortDetails(
            report: report,
            declaration: known.snapshot.ports[name]?.specification.declaration)
    }

    /// What the next look at each domain would do, and why. Nothing is done.
    ///
    /// - Parameter name: a domain's name or UUID; nil for all.
    func plan(for name: String?) async throws(QuestionError) -> [PlanStep] {
        let vms = try await asking { () async throws(DomainSourceError) in
            try await domains(called: name)
        }
        if let name, vms.isEmpty { throw .noDomain(name) }
        var plans: [(name: String, steps: [PlanStep])] = []
        for vm in vms {
            let reading = try await read(vm)
            let domain =
                domain(vm) ?? ManagedDomain(vm, name: reading?.shownName ?? "", host: host)
            let steps = domain.foresee(reading)
            plans.append((steps.first?.domainName ?? "", steps))
        }
        return plans.sorted { $0.name < $1.name }.flatMap(\.steps)
    }

    /// The one domain of a name or UUID that there is.
    func domain(called name: String) async throws(QuestionError) -> VMIdentifier {
        let listed = try await asking { () async throws(DomainSourceError) in
            try await source.list(.all)
        }
        let wanted = VMIdentifier(name)
        // One that has gone may have had the name too, and its ports not yet be closed.
        let found =
            listed.first { $0.vm == wanted || $0.name == name }?.vm ?? known(called: name)?.vm
        guard let found else { throw .noDomain(name) }
        return found
    }

    /// One of a name or UUID that has ports, or asks for some.
    func known(called name: String) -> ManagedDomain? {
        let wanted = VMIdentifier(name)
        return knownDomains.first { $0.vm == wanted || $0.snapshot.name == name }
    }

    /// A domain as it is now; nil when there is none.
    func read(_ vm: VMIdentifier) async throws(QuestionError) -> DomainReading? {
        try await asking { () async throws(DomainSourceError) in try await source.read(vm) }
    }

    private func asking<Answer>(
        _ question: () async throws(DomainSourceError) -> Answer
    ) async throws(QuestionError) -> Answer {
        do throws(DomainSourceError) {
            return try await question()
        } catch {
            throw .unavailable("\(error)")
        }
    }

    /// The domains that libvirt has, and those that it had and that have ports still.
    private func domains(
        called name: String?
    ) async throws(DomainSourceError) -> [VMIdentifier] {
        let listed = try await source.list(.all).map { ($0.vm, $0.name) }
        let known = knownDomains.map { ($0.vm, $0.snapshot.name) }
        let wanted = name.flatMap { VMIdentifier($0) }
        let found = (listed + known).filter { name == nil || $0.0 == wanted || $0.1 == name }
        return Set(found.map(\.0)).sorted()
    }
}

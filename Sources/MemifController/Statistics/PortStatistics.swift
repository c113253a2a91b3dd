/// What went through one port, and through each queue of its link.
struct PortStatistics: Sendable {
    var vm: VMIdentifier
    var domainName: String
    var name: String
    var traffic: PortTraffic
    var queues: [PortQueue]
}

extension Controller {
    /// The counters of the ports that stand, by domain and name.
    ///
    /// - Parameter name: a domain's name or UUID; nil for all.
    /// - Throws: `QuestionError` when no domain of that name has ports.
    func portStatistics(of name: String?) throws(QuestionError) -> [PortStatistics] {
        var domains = knownDomains
        if let name {
            guard let domain = known(called: name) else { throw .noDomain(name) }
            domains = [domain]
        }
        let all = domains.flatMap { domain in
            let state = domain.snapshot
            return state.ports.map { port, standing in
                PortStatistics(
                    vm: domain.vm, domainName: state.name, name: port,
                    traffic: standing.port.traffic, queues: standing.port.queues)
            }
        }
        return all.sorted { ($0.domainName, $0.vm, $0.name) < ($1.domainName, $1.vm, $1.name) }
    }
}

import MemifController
import Synchronization

/// A hypervisor in memory.
final class FakeSource: DomainSource {
    struct Domain {
        var name: String
        var phase = DomainPhase.off(nil)
        var isActive: Bool { phase.isActive }
        var isPersistent = true
        var inactive: String
        var live: String
    }

    private struct State {
        var domains: [VMIdentifier: Domain] = [:]
        var isAvailable = true
        var notify: (@Sendable (SourceNotice) -> Void)?
        var refused: Set<VMIdentifier> = []
        var retries = 0
        var reads = 0
    }

    private let state = Mutex(State())

    // MARK: What happens to it

    /// Defines a domain with ports, as `<memif:port>` elements.
    func define(_ vm: VMIdentifier, _ ports: String, silently: Bool = false) {
        let xml = Sample.xml(ports, name: "vm-\(vm.bytes.last ?? 0)", vm: vm)
        change(vm, "defined", silently) { domain in
            if domain == nil {
                domain = Domain(name: "vm-\(vm.bytes.last ?? 0)", inactive: xml, live: xml)
            }
            domain?.inactive = xml
            domain?.isPersistent = true
        }
    }

    func start(_ vm: VMIdentifier, silently: Bool = false) {
        change(vm, "started", silently, .began) { domain in
            let xml = domain?.inactive ?? ""
            domain?.phase = .running
            domain?.live = xml
        }
    }

    /// Has a domain run on in another way, or start in it.
    func turn(_ vm: VMIdentifier, _ phase: DomainPhase, silently: Bool = false) {
        change(vm, "turned", silently) { domain in
            guard var turned = domain else { return }
            if !turned.isActive { turned.live = turned.inactive }
            turned.phase = phase
            domain = turned
        }
    }

    func stop(_ vm: VMIdentifier, _ end: RunEnd = .ordinary, silently: Bool = false) {
        change(vm, "stopped", silently, .ended(end)) { domain in
            domain?.phase = .off(end)
            if domain?.isPersistent == false { domain = nil }
        }
    }

    func undefine(_ vm: VMIdentifier, silently: Bool = false) {
        change(vm, "undefined", silently) { domain in
            if domain?.isActive == true { domain?.isPersistent = false } else { domain = nil }
        }
    }

    /// Changes the live metadata of a running domain.
    func setLive(_ vm: VMIdentifier, _ ports: String) {
        change(vm, "metadata changed", false) { $0?.live = Sample.xml(ports, vm: vm) }
    }

    private func change(
        _ vm: VMIdentifier, _ cause: String, _ silently: Bool,
        _ incident: DomainIncident? = nil, _ body: (inout Domain?) -> Void
    ) {
        let notify = state.withLock { state in
            body(&state.domains[vm])
            return silently || !state.isAvailable ? nil : state.notify
        }
        notify?(.changed(vm, cause: EventCause(cause), incident: incident))
    }

    /// Tells of something that changes nothing.
    func tell(_ incident: DomainIncident, of vm: VMIdentifier) {
        change(vm, "told", false, incident) { _ in }
    }

    /// Has each question about a domain refused, or no more.
    func refuse(_ vm: VMIdentifier, _ refuses: Bool) {
        state.withLock { state in
            if refuses { state.refused.insert(vm) } else { state.refused.remove(vm) }
        }
    }

    func disconnect() {
        let notify = state.withLock { state in
            state.isAvailable = false
            return state.notify
        }
        notify?(.disconnected(reason: "the fake was told to go"))
    }

    func connect() {
        let notify = state.withLock { state in
            state.isAvailable = true
            return state.notify
        }
        notify?(.connected)
    }

    func lose() { state.withLock(\.notify)?(.gap) }

    var reads: Int { state.withLock(\.reads) }

    var retries: Int { state.withLock(\.retries) }

    /// What each domain's ports should be now: names by domain, of those that are well-formed.
    var expectation: [VMIdentifier: (ports: [PortDeclaration], isActive: Bool)] {
        state.withLock(\.domains).mapValues { domain in
            let xml = domain.isActive ? domain.live : domain.inactive
            return (DeclaredPorts.read(fromDomainXML: xml).ports, domain.isActive)
        }
    }

    // MARK: What it is asked

    func run(_ notify: @escaping @Sendable (SourceNotice) -> Void) async {
        let isAvailable = state.withLock { state in
            state.notify = notify
            return state.isAvailable
        }
        if isAvailable { notify(.connected) }
        // For ever, until it is cancelled.
        let (stream, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in stream {}
    }

    func retry() { state.withLock { $0.retries += 1 } }

    func list(_ scope: DomainScope) async throws(DomainSourceError) -> [DomainListing] {
        let state = state.withLock { ($0.isAvailable, $0.domains) }
        guard state.0 else { throw .unavailable("the fake is away") }
        return state.1.filter { scope == .all || $0.value.isActive }
            .map { DomainListing(vm: $0.key, name: $0.value.name) }
    }

    func read(_ vm: VMIdentifier) async throws(DomainSourceError) -> DomainReading? {
        let (isAvailable, domain) = state.withLock { state in
            state.reads += 1
            return (state.isAvailable, state.domains[vm])
        }
        guard isAvailable else { throw .unavailable("the fake is away") }
        if state.withLock({ $0.refused.contains(vm) }) { throw .refused("the fake refuses") }
        return domain.map { domain in
            DomainReading(
                name: domain.name, phase: domain.phase,
                xml: domain.isActive ? domain.live : domain.inactive)
        }
    }
}

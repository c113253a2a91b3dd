/// One deed on the way from what is there to what is wanted.
enum PortAction: Sendable, Hashable {
    /// Open a socket that is not there.
    case open(PortDeclaration, Admission)
    /// Close a port and open it anew: what changed cannot change under a link.
    case reopen(PortDeclaration, Admission, reason: String)
    /// Keep the port, with another owner, group, link policy or linger; put its socket right.
    case adjust(PortDeclaration)
    /// Serve peers, or stop serving them.
    case admit(String, Admission)
    /// Close a port for good.
    case close(String, reason: String)

    /// Whether it changes only whom a port serves.
    var isAdmission: Bool { if case .admit = self { true } else { false } }

    /// The port that it is about.
    var port: String {
        switch self {
        case .open(let declaration, _), .reopen(let declaration, _, _), .adjust(let declaration):
            declaration.name
        case .admit(let name, _), .close(let name, _): name
        }
    }
}

/// Everything to do for one domain now, and when to look again although nothing may have happened.
///
/// A plan depends on its arguments only, and the plan for what a plan has led to is empty.
struct PortPlan: Sendable, Hashable {
    /// Deeds, closing before opening.
    private(set) var actions: [PortAction] = []
    /// How long until a linger ends; nil when none is running.
    private(set) var lookAgainAfter: Duration?
    /// The ports that stand once everything is done.
    private(set) var portsAfter: Set<String> = []

    private let run: RunState
    private let isDraining: Bool
    private let now: ContinuousClock.Instant

    /// Compares what is wanted with what stands.
    ///
    /// - Parameters:
    ///   - run: how the domain runs, as of this look.
    ///   - isDraining: whether no new links are to come up.
    init(
        wanted: WantedPorts, standing: [String: StandingPort], run: RunState,
        isDraining: Bool = false, now: ContinuousClock.Instant
    ) {
        self.run = run
        self.isDraining = isDraining
        self.now = now
        var rest = standing
        var later: [PortAction] = []
        switch wanted {
        case .gone: break
        case .defined(let declarations):
            for declaration in declarations {
                portsAfter.insert(declaration.name)
                later += keep(declaration, rest.removeValue(forKey: declaration.name))
            }
        }
        for (name, port) in rest.sorted(by: { $0.key < $1.key }) {
            retire(name, port, wanted)
        }
        actions += later
    }

    /// A port that is wanted, and perhaps stands.
    private mutating func keep(
        _ declaration: PortDeclaration, _ port: StandingPort?
    ) -> [PortAction] {
        let admission = admission(declaration, current: port?.admission)
        guard let port else { return [.open(declaration, admission)] }
        if declaration.needsNewInterface(after: port.declaration) {
            return [.reopen(declaration, admission, reason: DisconnectText.changed)]
        }
        var actions: [PortAction] = []
        if declaration != port.declaration || port.socket != .standing {
            actions.append(.adjust(declaration))
        }
        if admission != port.admission { actions.append(.admit(declaration.name, admission)) }
        return actions
    }

    /// A port that stands and is not wanted. That of a domain that is gone outlives it by its linger:
    /// a transient domain that is started again at once is no flap for the peer.
    private mutating func retire(_ name: String, _ port: StandingPort, _ wanted: WantedPorts) {
        guard wanted == .gone else {
            actions.append(.close(name, reason: DisconnectText.removed))
            return
        }
        if port.admission.isServing,
            let left = run.remaining(of: port.declaration.linger, now: now)
        {
            wait(left)
            portsAfter.insert(name)
        } else {
            // Who is served still is let go because the run is over.
            let isServed = port.admission.isServing && run != .idle
            let reason = isServed ? run.endText : DisconnectText.undefined
            actions.append(.close(name, reason: reason))
        }
    }

    private mutating func admission(
        _ declaration: PortDeclaration, current: Admission?
    ) -> Admission {
        let serving: Admission = isDraining ? .draining : .open
        // While the host is drained no link outlives its domain's run for good.
        let isLasting = declaration.link == .always && !(isDraining && run.isOver)
        if run.isActive || isLasting { return serving }
        if current?.isServing == true, let left = run.remaining(of: declaration.linger, now: now) {
            wait(left)
            return serving
        }
        return .closed(reason: run.endText)
    }

    private mutating func wait(_ left: Duration) {
        lookAgainAfter = min(lookAgainAfter ?? left, left)
    }
}

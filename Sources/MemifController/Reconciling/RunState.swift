/// What is wanted of a domain's ports, as one look found it.
enum WantedPorts: Sendable, Hashable {
    /// There is no such domain.
    case gone
    /// There is, and these are to stand.
    case defined([PortDeclaration])
}

/// One port that stands, as the planner sees it.
struct StandingPort: Sendable, Hashable {
    var declaration: PortDeclaration
    var admission: Admission
    var socket: PortSocketState = .standing
}

/// When a domain was last seen to run.
enum RunState: Sendable, Hashable {
    /// It has not run since this process first heard of it, so no link has anything to outlive.
    case idle
    /// It is being started or migrated here and has not run yet: if it never does, all is as it was
    /// before. When the run before it was last seen, if there was one.
    case arriving(after: ContinuousClock.Instant?)
    case running
    case down(since: ContinuousClock.Instant)
    /// It runs on another host now, so there is nothing here for a link to wait for.
    case left

    /// What it is after a look.
    func next(_ phase: DomainPhase, now: ContinuousClock.Instant) -> RunState {
        switch phase {
        case .running, .paused, .crashed, .ending: .running
        // What runs already is on its way to another host.
        case .starting, .moving: self == .running ? .running : .arriving(after: lastEnd)
        case .off(.migrated): .left
        case .off:
            switch self {
            case .running: .down(since: now)
            case .arriving(let end): end.map { .down(since: $0) } ?? .idle
            case .idle, .down, .left: self
            }
        }
    }

    private var lastEnd: ContinuousClock.Instant? {
        switch self {
        case .down(let since): since
        case .arriving(let end): end
        case .idle, .running, .left: nil
        }
    }

    /// Whether it runs, or is about to.
    var isActive: Bool {
        switch self {
        case .arriving, .running: true
        case .idle, .down, .left: false
        }
    }

    /// Whether it was seen to run, and runs no longer.
    var isOver: Bool {
        switch self {
        case .down, .left: true
        case .idle, .arriving, .running: false
        }
    }

    /// What peers are told that are not served, as the run is over.
    var endText: String { self == .left ? DisconnectText.migrated : DisconnectText.shutOff }

    /// How much of a linger is left; nil when none is.
    func remaining(of linger: Duration, now: ContinuousClock.Instant) -> Duration? {
        guard case .down(let since) = self else { return nil }
        let left = since + linger - now
        return left > .zero ? left : nil
    }
}

/// What peers are told when they are let go.
enum DisconnectText {
    static let shutOff = "domain shut off"
    static let migrated = "domain migrated"
    static let undefined = "domain undefined"
    static let removed = "port removed"
    static let changed = "port changed"
    static let draining = "being drained"
    static let stopping = "daemon stopping"
}

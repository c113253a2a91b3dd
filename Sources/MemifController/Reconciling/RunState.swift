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
    case running
    case down(since: ContinuousClock.Instant)

    /// What it is after a look.
    func next(isRunning: Bool, now: ContinuousClock.Instant) -> RunState {
        switch (self, isRunning) {
        case (_, true): .running
        case (.running, false): .down(since: now)
        case (.idle, false), (.down, false): self
        }
    }

    /// Whether it was seen to run, and runs no longer.
    var isDown: Bool {
        if case .down = self { true } else { false }
    }

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
    static let undefined = "domain undefined"
    static let removed = "port removed"
    static let changed = "port changed"
    static let draining = "being drained"
    static let stopping = "daemon stopping"
}

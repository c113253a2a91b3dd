/// How a domain runs, as far as its ports go by it.
public enum DomainPhase: Sendable, Hashable {
    /// It does not run; how its last run ended, where that is known.
    case off(RunEnd?)
    /// It is being started, and its processors have not run yet.
    case starting
    /// Its processors run.
    case running
    /// Its processors stand still, and go on when they are told to.
    case paused
    /// Its processors stand still for a migration: it is on its way here, or about to have left.
    case moving
    /// Its guest has crashed, and its processors stand still.
    case crashed
    /// It is about to end.
    case ending

    /// Whether it runs, or is about to: paused and starting up count.
    public var isActive: Bool {
        if case .off = self { false } else { true }
    }

    /// Whether nobody in the domain would take a frame now, though there may be again.
    public var standsStill: Bool {
        switch self {
        case .starting, .paused, .moving, .crashed: true
        case .off, .running, .ending: false
        }
    }
}

/// How a run has ended.
public enum RunEnd: Sendable, Hashable {
    /// The guest was shut down, the domain was destroyed or saved, or its owner went back to a snapshot.
    case ordinary
    /// The guest has crashed, or the hypervisor's process died.
    case crashed
    /// It could not be started, or did not arrive.
    case failed
    /// It goes on on another host.
    case migrated
}

/// What happened to a domain and no look may find any more.
public enum DomainIncident: Sendable, Hashable {
    /// It runs anew, or here.
    case began
    /// A run has ended.
    case ended(RunEnd)
    /// The guest has crashed; what becomes of the domain is its definition's choice.
    case crashed
    /// The guest has rebooted, and the run goes on.
    case rebooted
}

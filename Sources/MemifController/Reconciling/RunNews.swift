/// What events have told of a domain's runs. A look that began before one may have read what was before it, and
/// takes nothing of it back.
struct RunNews {
    typealias Instant = ContinuousClock.Instant

    /// How the last run ended: for a domain of which there is nothing left to read.
    private(set) var lastEnd: RunEnd?
    private var crash = CrashMark()
    /// When the last event came.
    private var heardAt: Instant?

    /// Whether the run that is, or was last, has crashed and that has been told.
    var isCrashTold: Bool { crash.isTold }

    /// An event tells of something.
    ///
    /// - Returns: whether it is a crash that nothing has told of.
    mutating func hear(_ incident: DomainIncident, now: Instant) -> Bool {
        heardAt = now
        switch incident {
        case .ended(let end):
            lastEnd = end
            return false
        case .crashed: return crash.hear(now: now)
        }
    }

    /// A look has found the domain so.
    ///
    /// - Parameter begun: when it began to read.
    /// - Returns: whether it has found a crash that nothing has told of.
    mutating func find(_ phase: DomainPhase, begun: Instant, now: Instant) -> Bool {
        let isOlder = heardAt.map { begun <= $0 } ?? false
        if phase.isActive, !isOlder { lastEnd = nil }
        return crash.find(phase, begun: begun, now: now)
    }
}

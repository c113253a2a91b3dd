/// What is news of a domain's runs, for the audit: events and looks tell it, in any order, or one of them alone.
/// A look that began before an event may have read what was before it, and takes nothing of it back.
struct RunNews {
    typealias Instant = ContinuousClock.Instant

    /// How the last run ended, as an event has told: for a domain of which there is nothing left to read.
    private(set) var lastEnd: RunEnd?
    private var crash = CrashMark()
    /// Whether there is a run of whose end nothing has told.
    private var isUnderWay: Bool
    /// When the last event came.
    private var heardAt: Instant?

    /// - Parameter isUnderWay: whether it ran when it was last seen.
    init(isUnderWay: Bool = false) { self.isUnderWay = isUnderWay }

    /// An event tells of something.
    ///
    /// - Returns: what is news of it.
    mutating func hear(_ incident: DomainIncident, now: Instant) -> AuditEvent.Kind? {
        // A reboot changes nothing of the run, and takes nothing from a look.
        if incident != .rebooted { heardAt = now }
        switch incident {
        case .began:
            (lastEnd, crash, isUnderWay) = (nil, CrashMark(), true)
            return nil
        case .ended(let end):
            lastEnd = end
            return finish(end)
        case .crashed: return crash.hear(now: now) ? .domainCrashed : nil
        case .rebooted: return .domainRebooted
        }
    }

    /// A look has found the domain so.
    ///
    /// - Parameter begun: when it began to read.
    /// - Returns: what is news of it.
    mutating func find(_ phase: DomainPhase, begun: Instant, now: Instant) -> AuditEvent.Kind? {
        if let heardAt, begun <= heardAt { return nil }
        if crash.find(phase, begun: begun, now: now) {
            isUnderWay = true
            return .domainCrashed
        }
        switch phase {
        case .off(let end): return finish(end)
        case .running, .paused, .crashed, .ending: isUnderWay = true
        // What has not run here yet has no end here.
        case .starting, .moving: break
        }
        lastEnd = nil
        return nil
    }

    /// Of an end that somebody wanted, and of that of a crash, there is nothing more to tell.
    private mutating func finish(_ end: RunEnd?) -> AuditEvent.Kind? {
        defer { isUnderWay = false }
        let hasEndedByItself = end == .crashed || end == .failed
        return isUnderWay && hasEndedByItself && !crash.isTold ? .domainEnded : nil
    }
}

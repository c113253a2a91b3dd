/// Whether the crash of a run has been told. An event and a look may both find it, in any order, or one of
/// them alone; and where the domain's definition wants it, the run ends with it.
struct CrashMark {
    typealias Instant = ContinuousClock.Instant

    private enum Teller {
        case event, look
    }

    private var told: (by: Teller, at: Instant)?

    /// Whether the run that is, or was last, has crashed and that has been told.
    var isTold: Bool { told != nil }

    /// An event tells of a crash.
    ///
    /// - Returns: whether it is news. Each event is a crash of its own, but for one that a look has found.
    mutating func hear(now: Instant) -> Bool {
        defer { told = (.event, now) }
        return told?.by != .look
    }

    /// A look has found the domain so.
    ///
    /// - Parameter begun: when the look began to read: before an event, and it may have read what was before
    ///   that.
    /// - Returns: whether it has found a crash that nothing has told of.
    mutating func find(_ phase: DomainPhase, begun: Instant, now: Instant) -> Bool {
        switch phase {
        case .crashed:
            if isTold { return false }
            told = (.look, now)
            return true
        case .starting, .running, .paused, .moving:
            // It runs anew, or goes on.
            if let told, told.at < begun { self.told = nil }
            return false
        case .ending, .off: return false
        }
    }
}

internal import Logging
internal import Synchronization

/// When a look at a domain was called for and when it began, and what the lines about it have in common.
struct LookTimes: Sendable {
    /// When the first sign of a change came.
    var noticed: ContinuousClock.Instant
    /// Before anything was read: what has come to pass since then may not be in it.
    var begun = ContinuousClock.now
    /// The last event that called for it, or the daemon's own reason.
    var cause = EventCause("routine")
    /// Which look of this process it is.
    let number = Self.count.add(1, ordering: .relaxed).newValue

    private static let count = Atomic<UInt64>(0)

    init(noticed: ContinuousClock.Instant, cause: EventCause? = nil) {
        self.noticed = noticed
        if let cause { self.cause = cause }
    }

    /// What tells a line of the log by which look, and which event, it came about, and how long after that was
    /// noticed.
    var metadata: Logger.Metadata {
        [
            "reconcile_id": "\(number)", "event": "\(cause)",
            "duration_ms": "\(noticed.duration(to: .now).milliseconds)",
        ]
    }
}

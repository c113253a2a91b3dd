/// When a look at a domain was called for, and when it began.
struct LookTimes: Sendable {
    /// When the first sign of a change came.
    var noticed: ContinuousClock.Instant
    /// Before anything was read: what has come to pass since then may not be in it.
    var begun = ContinuousClock.now
}

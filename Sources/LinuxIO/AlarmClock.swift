internal import CLinuxIO
internal import Glibc

/// A timerfd: a descriptor that becomes readable at a time.
///
/// Source: timerfd_create(2).
final class AlarmClock: Sendable {
    let descriptor: OwnedDescriptor

    /// A clock that is not set.
    init() throws(SystemError) {
        descriptor = OwnedDescriptor(
            adopting: try systemCall("create a timer") {
                timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC) | Int32(TFD_NONBLOCK))
            })
    }

    /// Sets it, or unsets it; it is not readable until then.
    func set(for time: ContinuousClock.Instant?) throws(SystemError) {
        var setting = itimerspec()
        if let time {
            // Zero would unset it: what is due already is due in a moment.
            let left = max(ContinuousClock.now.duration(to: time), .nanoseconds(1))
            let (seconds, attoseconds) = left.components
            setting.it_value = timespec(
                tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        }
        let number = descriptor.rawValue
        // SAFETY: timerfd_settime reads one structure, which lives on this frame.
        try systemCall("set a timer") { unsafe timerfd_settime(number, 0, &setting, nil) }
    }
}

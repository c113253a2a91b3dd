/// When a connection may be opened beside one that serves as well where there is no other: a daemon that
/// admits no more, or a login that fails, is not to cost every long call a wait.
struct SideAttempts {
    private enum State {
        case open
        case closed(until: ContinuousClock.Instant)
        /// Each more might count towards locking the account, or ask whoever is asked for passwords.
        case refused
    }

    private var state = State.open

    /// How long the opening may take.
    @TaskLocal static var patience = Duration.seconds(5)
    /// How long nobody tries again behind a failure.
    static let pause = Duration.seconds(60)

    func isAllowed(at now: ContinuousClock.Instant) -> Bool {
        switch state {
        case .open: true
        case .closed(let end): now >= end
        case .refused: false
        }
    }

    mutating func failed(_ error: LibvirtError, at now: ContinuousClock.Instant) {
        state = error.isRefusal ? .refused : .closed(until: now + Self.pause)
    }

    mutating func succeeded() { state = .open }
}

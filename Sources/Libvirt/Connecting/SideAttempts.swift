internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// When a connection may be opened beside one that serves as well where there is no other: a daemon that
/// admits no more, or a login that fails, is not to cost every long call a wait.
struct SideAttempts {
    private enum State {
        case open
        case closed(since: ContinuousClock.Instant)
        /// Each more might count towards locking the account, or ask whoever is asked for passwords.
        case refused
    }

    private var state = State.open
    private var lastSuccess: ContinuousClock.Instant?

    /// How long the opening may take.
    @TaskLocal static var patience = Duration.seconds(5)
    /// How long nobody tries again behind a failure.
    @TaskLocal static var pause = Duration.seconds(60)

    /// - Parameter awaitsPause: whether a failure that was no refusal counts.
    func isAllowed(at now: ContinuousClock.Instant, awaitsPause: Bool = true) -> Bool {
        switch state {
        case .open: true
        case .closed(let start): !awaitsPause || now >= start + Self.pause
        case .refused: false
        }
    }

    /// Whether one has been opened since then, and nothing has failed after it.
    func haveSucceeded(since start: ContinuousClock.Instant) -> Bool {
        guard case .open = state, let lastSuccess else { return false }
        return lastSuccess >= start
    }

    /// - Parameter isCallers: whether it failed for want of the caller's time.
    mutating func failed(
        _ error: LibvirtError, isCallers: Bool = false, at now: ContinuousClock.Instant
    ) {
        switch state {
        // What failed later may have begun earlier, and for another reason.
        case .refused: return
        case .open, .closed: break
        }
        if error.isRefusal || error.mayHaveAskedSomebody {
            state = .refused
        } else if !isCallers {
            state = .closed(since: now)
        }
    }

    mutating func succeeded(at now: ContinuousClock.Instant) {
        state = .open
        lastSuccess = now
    }
}

extension LibvirtError {
    /// Whether polkit did not answer in time: its dialog is before a person, and would come again.
    fileprivate var mayHaveAskedSomebody: Bool {
        guard procedure == Remote.AUTH_POLKIT.name, case .call(let error) = kind,
            case .deadlineExceeded(.mayHaveRun) = error.kind
        else { return false }
        return true
    }
}

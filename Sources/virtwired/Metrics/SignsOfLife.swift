internal import MemifController
internal import Synchronization

/// When the daemon has last come round, for whoever asks whether it lives.
final class SignsOfLife: Sendable {
    private let last = Mutex(ContinuousClock.now)
    private let limit: Duration

    /// - Parameter limit: how long it may take.
    init(limit: Duration = .seconds(30)) { self.limit = limit }

    /// Looks for as long as its task runs. See ``Daemon/comeRound()``.
    func watch(_ daemon: Daemon, every interval: Duration = .seconds(5)) async {
        while true {
            await daemon.comeRound()
            if Task.isCancelled { return }
            last.withLock { $0 = .now }
            try? await Task.sleep(for: interval)
        }
    }

    /// That it does not come round; nil where it does.
    var problem: String? {
        let silence = last.withLock(\.self).duration(to: .now)
        guard silence > limit else { return nil }
        return
            "for \(silence.components.seconds) seconds the packet thread has not come round, or looks at "
            + "domains have made no progress"
    }
}

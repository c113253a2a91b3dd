internal import Foundation
internal import Logging
internal import MemifController
internal import Synchronization

/// Settings read again while the daemon runs: what can change does, and settings that cannot be used
/// leave everything as it was.
final class SettingsReload: Sendable {
    private let current: Mutex<Settings>
    private let last = Mutex(SettingsState(time: Date.now.timeIntervalSince1970))
    private let threshold: LogThreshold
    private let daemon: Daemon

    /// - Parameter settings: those that the daemon was started with.
    init(_ settings: Settings, _ threshold: LogThreshold, _ daemon: Daemon) {
        current = Mutex(settings)
        self.threshold = threshold
        self.daemon = daemon
    }

    /// How the last reading went.
    var state: SettingsState { last.withLock(\.self) }

    /// Reads, and has what is new hold.
    func perform(_ read: () throws(SettingsError) -> Settings) {
        let logger = threshold.logger
        let new: Settings
        do throws(SettingsError) {
            new = try read()
        } catch {
            last.withLock { $0.isCurrent = false }
            daemon.noteSettings(refusal: "\(error)")
            logger.error(
                "the settings cannot be read again; those from before hold",
                metadata: ["reason": "\(error)"])
            return
        }
        last.withLock { $0 = SettingsState(time: Date.now.timeIntervalSince1970) }
        let old = current.withLock { $0 }
        daemon.noteSettings()
        threshold.level = new.logLevel.level
        // Whether it has changed or not: secrets are read again too.
        daemon.adopt(new.host.policy)
        var held = old
        held.logLevel = new.logLevel
        held.host.policy = new.host.policy
        current.withLock { $0 = held }
        if held == new {
            logger.notice("settings read again")
        } else {
            logger.warning(
                "settings read again; only policy, ports and log-level change while the daemon runs",
                metadata: ["remedy": "restart virtwired for the others"])
        }
    }
}

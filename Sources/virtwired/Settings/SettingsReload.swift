internal import Foundation
internal import Logging
internal import MemifController
internal import Synchronization

/// Settings read again while the daemon runs: what can change does, and settings that cannot be used
/// leave everything as it was.
final class SettingsReload: Sendable {
    private struct Held {
        var settings: Settings
        /// The same with their origins.
        var effective: [EffectiveSetting]
    }

    private let current: Mutex<Held>
    private let last = Mutex(SettingsState(time: Date.now.timeIntervalSince1970))
    private let threshold: LogThreshold
    private let daemon: Daemon

    /// - Parameters:
    ///   - settings: those that the daemon was started with.
    ///   - sources: where they are from.
    init(
        _ settings: Settings, from sources: SettingsSources, _ threshold: LogThreshold,
        _ daemon: Daemon
    ) {
        current = Mutex(Held(settings: settings, effective: settings.effective(from: sources)))
        self.threshold = threshold
        self.daemon = daemon
    }

    /// How the last reading went.
    var state: SettingsState { last.withLock(\.self) }

    /// By what the daemon goes now: of what is read again only a part holds at once, and the log's level can
    /// have been set over the control socket.
    var effective: [EffectiveSetting] {
        let level = threshold.level.rawValue
        return current.withLock(\.effective).map { setting in
            guard setting.name == "log-level", setting.value != level else { return setting }
            return EffectiveSetting(setting.name, level, origin: "virtwire log-level")
        }
    }

    /// Reads, and has what is new hold.
    func perform(_ read: () throws(SettingsError) -> SettingsSources) {
        let logger = threshold.logger
        let new: Settings
        let effective: [EffectiveSetting]
        do throws(SettingsError) {
            let sources = try read()
            new = try Settings(sources)
            effective = new.effective(from: sources)
        } catch {
            last.withLock { $0.isCurrent = false }
            daemon.noteSettings(refusal: "\(error)")
            logger.error(
                "the settings cannot be read again; those from before hold",
                metadata: ["reason": "\(error)"])
            return
        }
        last.withLock { $0 = SettingsState(time: Date.now.timeIntervalSince1970) }
        let old = current.withLock(\.settings)
        daemon.noteSettings()
        threshold.level = new.logLevel.level
        // Whether it has changed or not: secrets are read again too.
        daemon.adopt(new.host.policy)
        var held = old
        held.logLevel = new.logLevel
        held.host.policy = new.host.policy
        current.withLock { current in
            let kept = current.effective.filter { !$0.holdsAtOnce }.map { ($0.name, $0) }
            let old = Dictionary(kept, uniquingKeysWith: { first, _ in first })
            current = Held(settings: held, effective: effective.map { old[$0.name] ?? $0 })
        }
        if held == new {
            logger.notice("settings read again")
        } else {
            logger.warning(
                "settings read again; only policy, ports and log-level change while the daemon runs",
                metadata: ["remedy": "restart virtwired for the others"])
        }
    }
}

extension EffectiveSetting {
    /// Whether it changes while the daemon runs.
    fileprivate var holdsAtOnce: Bool {
        name == "log-level" || name.hasPrefix("policy.") || name.hasPrefix("ports.")
    }
}

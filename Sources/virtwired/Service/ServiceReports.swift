internal import LinuxIO
internal import Logging
internal import MemifController
internal import Synchronization

/// Tells the service manager how the daemon is: ready, stopping, one line of status, and signs of life
/// that only a daemon which makes progress gives.
final class ServiceReports: Sendable {
    private let manager: ServiceManager
    private let logger: Logger
    private let isReady = Atomic<Bool>(false)

    init(_ manager: ServiceManager, logger: Logger) {
        self.manager = manager
        self.logger = logger
    }

    /// - Returns: nil where no service manager started this process.
    convenience init?(logger: Logger) {
        do throws(SystemError) {
            guard let manager = try ServiceManager() else { return nil }
            self.init(manager, logger: logger)
        } catch {
            logger.warning(
                "the service manager cannot be told anything",
                metadata: ["reason": "\(error)", "remedy": "correct or unset NOTIFY_SOCKET"])
            return nil
        }
    }

    /// The daemon serves.
    func ready() {
        isReady.store(true, ordering: .relaxed)
        say(["READY=1"])
    }

    /// The daemon ends, for a signal.
    func stopping() { say(["STOPPING=1", "STATUS=ending"]) }

    /// Reports for as long as its task runs.
    func run(_ daemon: Daemon) async {
        // Twice as often as the manager wants it, so that one late sign is no failure.
        let interval = min(manager.watchdog.map { $0 / 2 } ?? .seconds(5), .seconds(5))
        var status = ""
        while !Task.isCancelled {
            await daemon.comeRound()
            // Which may be why it returns: of a daemon that is stuck there is no sign of life.
            if Task.isCancelled { return }
            var lines = manager.watchdog == nil ? [] : ["WATCHDOG=1"]
            let line = "STATUS=\(daemon.status().summary)"
            if line != status, isReady.load(ordering: .relaxed) {
                lines.append(line)
                status = line
            }
            if !lines.isEmpty { say(lines) }
            try? await Task.sleep(for: interval)
        }
    }

    private func say(_ lines: [String]) {
        do throws(SystemError) {
            try manager.notify(lines)
        } catch {
            logger.debug("the service manager does not listen", metadata: ["reason": "\(error)"])
        }
    }
}

extension ControllerStatus {
    /// One line for people: how many domains and ports, and whether libvirt can be asked.
    var summary: String {
        let domains = Set(ports.map(\.vm)).count
        let bad = ports.count { $0.condition.state == .failed || $0.condition.state == .degraded }
        let libvirt =
            switch connection {
            case .connected: "connected"
            case .connecting: "connecting"
            case .disconnected: "disconnected"
            }
        return "\(domains) domains with ports, \(ports.count) ports, \(bad) not as declared; "
            + "libvirt \(libvirt)"
    }
}

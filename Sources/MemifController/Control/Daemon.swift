public import LinuxIO
public import Logging

/// How much is logged, as the control socket's LOG_LEVEL sets it.
public struct LogLevelSetting: Sendable {
    /// Sets the level, and gives the one before.
    public let exchange: @Sendable (Logger.Level) -> Logger.Level

    /// Takes what sets it.
    public init(_ exchange: @escaping @Sendable (Logger.Level) -> Logger.Level) {
        self.exchange = exchange
    }
}

/// Everything that virtwired runs: a controller and its control socket.
public struct Daemon: Sendable {
    /// The daemon's version, as VERSION tells it.
    public static let version = "0.1.0"

    private let host: Host
    private let controller: Controller
    private let uri: String
    private let audit: AuditLog
    private let logLevel: LogLevelSetting?
    private let takesOver: Bool
    private let manager: ServiceManager?

    /// Puts a daemon together; it does nothing before ``run(reports:whenReady:)``.
    ///
    /// - Parameters:
    ///   - uri: the libvirt URI that the source connects to, for the status.
    ///   - logLevel: what sets the log level; nil where nothing does.
    ///   - takesOver: whether a daemon that serves the same directories is asked to leave everything to this
    ///     one, links that stand included.
    ///   - manager: the service manager; where it keeps descriptors, a daemon that ends leaves everything to
    ///     it, and one that starts goes on with that.
    /// - Throws: `PortError` when the audit log cannot be written.
    public init(
        _ configuration: HostConfiguration, uri: String, source: any DomainSource,
        backend: any PortBackend, logger: Logger, logLevel: LogLevelSetting? = nil,
        takesOver: Bool = false, manager: ServiceManager? = nil
    ) throws(PortError) {
        audit = try AuditLog(
            configuration.observes ? nil : configuration.auditLog, logger: logger)
        self.logLevel = logLevel
        self.takesOver = takesOver
        self.manager = manager
        let keeps = (manager?.storeCapacity ?? 0) > 0
        host = Host(
            configuration, backend: backend, logger: logger,
            store: keeps ? manager.map { DescriptorStore(manager: $0) } : nil, audit: audit)
        controller = Controller(host, source: source, uri: uri)
        self.uri = uri
    }

    /// Has another policy hold from now on. See ``Controller/adopt(_:)``.
    public func adopt(_ policy: HostPolicy) { controller.adopt(policy) }

    /// Opens the audit log anew, for whoever has moved the old file away.
    public func reopenAuditLog() { audit.reopen() }

    /// Keeps a line of settings that were read again in the audit log.
    ///
    /// - Parameter refusal: why they cannot be used; nil when they hold.
    public func noteSettings(refusal: String? = nil) {
        var event = AuditEvent(refusal == nil ? .settingsRead : .settingsRefused)
        event.reason = refusal
        audit.note(event)
    }

    /// Everything, as of now.
    public func status() -> ControllerStatus { controller.status() }

    /// What has been done so far.
    public func statistics() -> ControllerStatistics { controller.statistics() }

    /// Returns when everything that serves has come round once, no look at a domain has been under way for
    /// longer than five minutes, and none that is due has been put off for as long while nothing else was
    /// looked at: a daemon that is stuck never does. One look may be under way for as long as the host's
    /// disk or account databases do not answer: they would answer no other process, and that one would have
    /// no links. Returns with the end of the task too.
    public func comeRound() async {
        await host.backend.comeRound()
        while controller.isStuck(longerThan: longestLook), !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Seconds that a look at a domain takes at most, several answers of a slow libvirt included.
    var longestLook: Double = 300

    /// How long the threads that serve ports have for their last words, and the logs as long again to have them.
    var lastWords = Duration.seconds(5)

    /// Serves until its task is cancelled, and then tells peers "daemon stopping" and takes every socket
    /// away; or until another process goes on with everything.
    ///
    /// - Parameters:
    ///   - reports: what the program around it knows and is asked for.
    ///   - whenReady: called when what was recorded stands again and the control socket answers.
    /// - Throws: `PortError` when its directories or its control socket cannot be used.
    public func run(
        reports: DaemonReports = DaemonReports(), whenReady: () -> Void = {}
    ) async throws(PortError) {
        if host.configuration.observes {
            host.logger.notice(
                "observing: saying what would be done, and doing nothing",
                metadata: ["libvirt": "\(uri)"])
            return try await controller.run()
        }
        let loop: EventLoop
        do throws(SystemError) {
            loop = try EventLoop.start(name: "control")
        } catch {
            throw PortError(reason: "\(error)", remedy: "raise the limit on threads")
        }
        defer { loop.stop() }
        let inheritance = try await inheritance(loop)
        do throws(PortError) {
            try await serve(inheritance, loop, reports, whenReady)
        } catch {
            await finish()
            throw error
        }
        await finish()
    }

    private func serve(
        _ inheritance: Inheritance, _ loop: EventLoop, _ reports: DaemonReports,
        _ whenReady: () -> Void
    ) async throws(PortError) {
        try await controller.run(inheritance) { () throws(PortError) in
            let procedures = ControlProcedures(
                controller: controller, uri: uri, audit: audit, logLevel: logLevel,
                reports: reports)
            let server = try ControlServer(host, procedures, inheritance.claim, loop: loop)
            host.logger.info(
                "ready",
                metadata: ["control": "\(host.layout.controlSocket)", "libvirt": "\(uri)"])
            whenReady()
            return server
        }
    }

    /// Has both logs complete, unless that lasts.
    private func finish() async {
        // In a task of its own: this one may be cancelled.
        await Task {
            // Of the last links' ends the threads tell that have served them.
            if await !threadsAnswer() {
                host.logger.error(
                    "a thread that serves ports is stuck; ending without it",
                    metadata: ["waited": "\(lastWords)"])
            }
            let deadline = ContinuousClock.now + lastWords
            _ = await audit.flush(until: deadline)
            await host.backend.flushLog(until: deadline)
        }.value
    }

    /// Whether all of them have come round in time.
    private func threadsAnswer() async -> Bool {
        await withTaskGroup { [host, lastWords] group in
            group.addTask {
                await host.backend.comeRound()
                return !Task.isCancelled
            }
            group.addTask {
                try? await Task.sleep(for: lastWords)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// What another process leaves to this one.
    private func inheritance(_ loop: EventLoop) async throws(PortError) -> Inheritance {
        var taken = try stored()
        if takesOver, var passed = try await Inheritance.takeOver(host.layout, loop: loop) {
            passed.store = taken?.store
            taken = passed
        }
        guard let taken else { return Inheritance() }
        host.logger.notice(
            taken.isFromCrash
                ? "going on with the links of a process that has crashed"
                : "going on in the place of another process",
            metadata: ["ports": "\(taken.ports.count)"])
        if let first = taken.losses.first {
            host.logger.warning(
                "links of a process that has crashed are lost",
                metadata: ["count": "\(taken.losses.count)", "reason": "\(first)"])
        }
        return taken
    }

    /// What the service manager has kept. What is of no use costs the links, and not the start; what another
    /// version left is that one's, and no attempt at it is counted.
    private func stored() throws(PortError) -> Inheritance? {
        guard let manager else { return nil }
        let reason: String
        do {
            return try DescriptorStore(manager: manager).take(StoredDescriptors.take())
        } catch DescriptorStore.Obstacle.otherVersion(let problem) {
            throw problem
        } catch DescriptorStore.Obstacle.useless(let problem) {
            reason = "\(problem)"
        } catch {
            reason = "\(error)"
        }
        host.logger.warning(
            "what the service manager has kept is of no use", metadata: ["reason": "\(reason)"])
        return nil
    }
}

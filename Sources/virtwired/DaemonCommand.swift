internal import ArgumentParser
internal import Foundation
internal import LinuxIO
internal import Logging
internal import MemifController

/// The daemon's command line.
struct DaemonCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "virtwired",
        abstract: "Gives every libvirt domain the memif sockets that its metadata asks for.",
        discussion: """
            Serves until SIGTERM or SIGINT; then peers are told, sockets are removed, and records \
            stay for the next start. It is ready when RUNTIME-DIRECTORY/control.sock answers, which \
            does not wait for libvirt: without a connection the daemon keeps trying, and changes \
            nothing. SIGHUP has it read its settings again. Ends with 0 after a signal, 1 when it \
            cannot run, 2 for a command line that makes no sense.

            What is given here goes before the environment (VIRTWIRED_LOG_LEVEL and its like), and \
            that before the file.
            """,
        version: Daemon.version)

    @Option(
        help: ArgumentHelp(
            "The file of settings, in YAML.",
            discussion: """
                Without it \(SettingsFile.usualPath), if that is there. The files conf.d/*.yaml beside it \
                are read after it, in the order of their names.
                """,
            valueName: "file"))
    var config: String?

    @Option(
        name: [.customShort("c"), .customLong("connect")],
        help: ArgumentHelp(
            "The libvirt daemon's URI.",
            discussion: "Without any LIBVIRT_DEFAULT_URI, else qemu:///system.", valueName: "uri"))
    var connect: String?

    @Option(help: ArgumentHelp("Where sockets stand.", valueName: "directory"))
    var runtimeDirectory: String?

    @Option(help: ArgumentHelp("Where records are kept over restarts.", valueName: "directory"))
    var stateDirectory: String?

    @Option(
        help: ArgumentHelp(
            "Where the secrets are that ports refer to, a file each.", valueName: "directory"))
    var secretsDirectory: String?

    @Option(help: "The group of sockets whose ports name none.")
    var group: String?

    @Option(help: "The group that may administer the daemon over its control socket.")
    var adminGroup: String?

    @Option(help: "How much to log.")
    var logLevel: LogLevel?

    @Option(help: "How to write a line of the log.")
    var logFormat: LogFormat?

    @Flag(help: "Go on in the place of the virtwired that runs here, without disconnecting anyone.")
    var takeOver = false

    @Flag(help: "Say whether the daemon could run like this, and end.")
    var check = false

    @Flag(
        help: "With --check: print every setting as it holds, and where its value comes from.")
    var verbose = false

    @Flag(help: "Say what would be done for each domain, do nothing, and go on looking.")
    var observe = false

    /// What was given, by its key in the file.
    private var flags: [String: String] {
        let given: [([String], String?)] = [
            (SettingsKey.connect, connect), (SettingsKey.runtimeDirectory, runtimeDirectory),
            (SettingsKey.stateDirectory, stateDirectory),
            (SettingsKey.secretsDirectory, secretsDirectory), (SettingsKey.group, group),
            (SettingsKey.adminGroup, adminGroup), (SettingsKey.logLevel, logLevel?.rawValue),
            (SettingsKey.logFormat, logFormat?.rawValue),
        ]
        return Dictionary(
            given.compactMap { key, value in value.map { (key.joined(separator: "."), $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    mutating func validate() throws {
        if verbose, !check {
            throw ValidationError("--verbose goes with --check; say --log-level for a longer log")
        }
        do {
            _ = try Settings(flags: flags, environment: [:], file: nil)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// Every place that settings come from, as of now.
    private func sources() throws(SettingsError) -> SettingsSources {
        let path = config ?? SettingsFile.usualPath
        // What was named must be there; at the usual place nothing has to.
        let isThere = config != nil || (try? FileStatus(path: path)) != nil
        let main = isThere ? [try SettingsFile(path)] : []
        return SettingsSources(
            flags: flags, environment: ProcessInfo.processInfo.environment,
            files: main + (try SettingsFile.fragments(in: SettingsFile.directory(beside: path))))
    }

    /// Runs the daemon, or says why it does not.
    func run(_ interruption: Interruption) async throws {
        do {
            let sources = try sources()
            var settings = try Settings(sources)
            settings.host.observes = observe
            if verbose {
                for line in EffectiveSetting.lines(settings.effective(from: sources)) {
                    print(line)
                }
            }
            let problems = settings.host.problems()
            for problem in problems { Self.say("\(problem)") }
            guard problems.isEmpty else { throw ExitCode(1) }
            let threshold = LogThreshold(settings.logLevel, settings.logFormat)
            for remark in settings.host.remarks() {
                threshold.logger.warning(
                    "\(remark.reason)", metadata: ["remedy": "\(remark.remedy)"])
            }
            if check { return }
            try await serve(settings, from: sources, threshold, interruption)
        } catch let code as ExitCode {
            throw code
        } catch {
            Self.say("\(error)")
            throw ExitCode(1)
        }
    }

    private func serve(
        _ settings: Settings, from sources: SettingsSources, _ threshold: LogThreshold,
        _ interruption: Interruption
    ) async throws {
        let logger = threshold.logger
        let daemon = try Daemon(
            settings.host, uri: settings.uri, source: LibvirtDomainSource(uri: settings.uri),
            backend: try MemifPortBackend(logger: logger), logger: logger,
            logLevel: LogLevelSetting { threshold.exchange($0) }, takesOver: takeOver,
            manager: try? ServiceManager())
        let reload = SettingsReload(settings, from: sources, threshold, daemon)
        interruption.whenHungUp {
            daemon.reopenAuditLog()
            reload.perform { () throws(SettingsError) in try self.sources() }
        }
        let answers = MetricsAnswers(daemon, reload, showsPorts: settings.hasPortMetrics)
        try await DaemonService(
            daemon: daemon, metrics: settings.metrics, metricsGroup: settings.metricsGroup,
            answers: answers, logger: logger
        ).run()
    }

    /// Says why the daemon does not run.
    static func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data("virtwired: \(text)\n".utf8))
    }
}

internal import Libvirt
internal import MemifController

/// Everything that can be set about the daemon.
struct Settings: Hashable {
    /// The libvirt daemon's URI.
    var uri = "qemu:///system"
    /// How much is logged.
    var logLevel = LogLevel.info
    /// How a line of the log is written.
    var logFormat = LogFormat.text
    /// Where metrics are served; nil: nowhere.
    var metrics: MetricsAddress?
    /// The group of their socket; nil: the daemon's own.
    var metricsGroup: String?
    /// Whether metrics have figures of each port: as many lines as there are ports, in every family.
    var hasPortMetrics = true
    /// What the controller is told.
    var host = HostConfiguration()

    /// Everything as it is when nothing is said.
    init() {}

    /// What is set, from the one layer on that was given first.
    ///
    /// - Parameters:
    ///   - flags: values from the command line, by key.
    ///   - environment: all variables; `LIBVIRT_DEFAULT_URI` counts where no URI is set otherwise.
    ///   - file: the file of settings, where there is one.
    ///   - fragments: further files, each of which goes before the one before it.
    init(
        flags: [String: String], environment: [String: String], file: SettingsFile?,
        fragments: [SettingsFile] = []
    ) throws(SettingsError) {
        try self.init(
            SettingsSources(
                flags: flags, environment: environment, files: (file.map { [$0] } ?? []) + fragments
            ))
    }

    /// What is set, from the one place on that goes first.
    init(_ sources: SettingsSources) throws(SettingsError) {
        let reader = sources.reader
        let rules = try reader.joinedList(SettingsKey.rules)
        let selectors = try reader.joinedList(SettingsKey.selectors)
        let known = SettingsKey.known(rules: rules, selectors: selectors)
        for file in sources.files { try Self.refuseStrangers(in: file, known) }
        try sources.variables.refuseStrangers(known)

        if let usual = sources.environment[SettingsSources.usualURI], !usual.isEmpty { uri = usual }
        uri = try reader.text(SettingsKey.connect) ?? uri
        try Self.check(uri)
        logLevel = try reader.choice(SettingsKey.logLevel, LogLevel.self) ?? logLevel
        logFormat = try reader.choice(SettingsKey.logFormat, LogFormat.self) ?? logFormat
        metrics = try reader.metrics(SettingsKey.metrics)
        metricsGroup = try reader.text(SettingsKey.metricsGroup)
        hasPortMetrics = try reader.flag(SettingsKey.metricsPorts) ?? hasPortMetrics
        try host.read(reader)
        host.policy = try HostPolicy(reader, rules: rules, selectors: selectors)
    }

    private static func refuseStrangers(
        in file: SettingsFile, _ known: Set<[String]>
    ) throws(SettingsError) {
        for key in file.keys where !known.contains(key) {
            let name = key.joined(separator: ".").printable
            throw SettingsError(
                "\(file.path): \(name)", "is no setting that there is",
                remedy: "correct or remove it; the guide RunningTheDaemon lists all")
        }
    }

    /// The daemon serves the host that it runs on.
    private static func check(_ uri: String) throws(SettingsError) {
        let parsed: LibvirtURI
        do {
            parsed = try LibvirtURI(uri)
        } catch {
            throw SettingsError("connect", "cannot be used: \(error)", remedy: "correct it")
        }
        guard parsed.transport == .unix else {
            throw SettingsError(
                "connect", "is \(uri.printable), which is not on this host",
                remedy: "the daemon serves the host that it runs on, over a UNIX socket: write one "
                    + "such as qemu:///system")
        }
    }
}

/// Where settings stand: the path of each in the file; with `_` for `-` and between the parts, after
/// VIRTWIRED_, in the environment.
enum SettingsKey {
    static let connect = ["connect"]
    static let logLevel = ["log-level"]
    static let logFormat = ["log-format"]
    static let metrics = ["metrics"]
    static let metricsGroup = ["metrics-group"]
    static let metricsPorts = ["metrics-ports"]
    static let runtimeDirectory = ["runtime-directory"]
    static let stateDirectory = ["state-directory"]
    static let secretsDirectory = ["secrets-directory"]
    static let group = ["group"]
    static let adminGroup = ["admin-group"]
    static let auditLog = ["audit-log"]
    static let orphanGrace = ["orphan-grace"]
    static let pollInterval = ["poll-interval"]
    static let resyncInterval = ["resync-interval"]
    static let rules = ["policy", "rules"]
    static let selectors = ["ports", "selectors"]

    /// What a rule of the policy has; the rule `default` has no `domains`.
    static let ofRule = [
        "domains", "ports", "queues", "memory", "names", "owners", "groups", "secrets", "attach",
        "secret-required", "lasting-links",
    ]
    /// The name of the rule for domains that no other is for.
    static let fallback = "default"

    static func rule(_ name: String, _ part: String) -> [String] { ["policy", name, part] }

    /// What a selector has.
    static let ofSelector = ["domains", "declare"]

    static func selector(_ name: String, _ part: String) -> [String] { ["ports", name, part] }

    /// Every key that can have a value.
    static func known(rules: [String], selectors: [String]) -> Set<[String]> {
        var known: Set = [
            connect, logLevel, metrics, runtimeDirectory, stateDirectory, secretsDirectory, group,
            adminGroup, auditLog, orphanGrace, pollInterval, resyncInterval, self.rules,
            self.selectors, logFormat, metricsGroup, metricsPorts,
        ]
        for name in selectors {
            for part in ofSelector { known.insert(selector(name, part)) }
        }
        for name in rules + [fallback] {
            for part in ofRule where name != fallback || part != "domains" {
                known.insert(rule(name, part))
            }
        }
        return known
    }
}

internal import Configuration
internal import Libvirt
internal import MemifController

/// Everything that can be set about the daemon.
struct Settings: Hashable {
    /// The libvirt daemon's URI.
    var uri = "qemu:///system"
    /// How much is logged.
    var logLevel = LogLevel.info
    /// Where metrics are served; nil: nowhere.
    var metrics: MetricsAddress?
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
    init(
        flags: [String: String], environment: [String: String], file: SettingsFile?
    ) throws(SettingsError) {
        let variables = SettingsEnvironment(environment)
        var layers = [Self.layer(flags), variables.layer]
        if let file { layers.append(Self.layer(file)) }
        let reader = SettingsReader(layers)
        let rules = try reader.list(SettingsKey.rules) ?? []
        let known = SettingsKey.known(rules: rules)
        try file.map { (file) throws(SettingsError) in try Self.refuseStrangers(in: file, known) }
        try variables.refuseStrangers(known)

        if let usual = environment["LIBVIRT_DEFAULT_URI"], !usual.isEmpty { uri = usual }
        uri = try reader.text(SettingsKey.connect) ?? uri
        try Self.check(uri)
        logLevel = try reader.choice(SettingsKey.logLevel, LogLevel.self) ?? logLevel
        metrics = try reader.metrics(SettingsKey.metrics)
        try host.read(reader)
        host.policy = try HostPolicy(reader, rules: rules)
    }

    private static func layer(_ flags: [String: String]) -> SettingsReader.Layer {
        let values = flags.map {
            (AbsoluteConfigKey([$0.key]), ConfigValue(.string($0.value), isSecret: false))
        }
        let provider = InMemoryProvider(values: Dictionary(values) { first, _ in first })
        return .init(values: provider.snapshot()) { "--\($0.joined(separator: "-"))" }
    }

    private static func layer(_ file: SettingsFile) -> SettingsReader.Layer {
        .init(values: file.values) { "\(file.path): \($0.joined(separator: "."))" }
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
    static let metrics = ["metrics"]
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

    /// What a rule of the policy has; the rule `default` has no `domains`.
    static let ofRule = [
        "domains", "ports", "queues", "memory", "names", "owners", "groups", "secrets", "attach",
        "secret-required", "lasting-links",
    ]
    /// The name of the rule for domains that no other is for.
    static let fallback = "default"

    static func rule(_ name: String, _ part: String) -> [String] { ["policy", name, part] }

    /// Every key that can have a value.
    static func known(rules: [String]) -> Set<[String]> {
        var known: Set = [
            connect, logLevel, metrics, runtimeDirectory, stateDirectory, secretsDirectory, group,
            adminGroup, auditLog, orphanGrace, pollInterval, resyncInterval, self.rules,
        ]
        for name in rules + [fallback] {
            for part in ofRule where name != fallback || part != "domains" {
                known.insert(rule(name, part))
            }
        }
        return known
    }
}

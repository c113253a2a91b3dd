internal import MemifController

extension HostConfiguration {
    /// Takes what is set.
    mutating func read(_ reader: SettingsReader) throws(SettingsError) {
        runtimeDirectory = try reader.text(SettingsKey.runtimeDirectory) ?? runtimeDirectory
        stateDirectory = try reader.text(SettingsKey.stateDirectory) ?? stateDirectory
        secretsDirectory = try reader.text(SettingsKey.secretsDirectory) ?? secretsDirectory
        group = try reader.text(SettingsKey.group) ?? group
        adminGroup = try reader.text(SettingsKey.adminGroup) ?? adminGroup
        auditLog = try reader.text(SettingsKey.auditLog) ?? auditLog
        let grace = Duration.zero...Duration.seconds(3600)
        orphanGrace = try reader.duration(SettingsKey.orphanGrace, in: grace) ?? orphanGrace
        // A shorter interval would keep libvirt busy, a longer one is as good as none.
        let interval = Duration.milliseconds(100)...Duration.seconds(3600)
        pollInterval = try reader.duration(SettingsKey.pollInterval, in: interval) ?? pollInterval
        resyncInterval =
            try reader.duration(SettingsKey.resyncInterval, in: interval) ?? resyncInterval
    }
}

extension HostPolicy {
    /// Takes the rules, in the order of their list.
    init(_ reader: SettingsReader, rules names: [String]) throws(SettingsError) {
        self.init()
        fallback = try PolicyRule(reader, SettingsKey.fallback, like: fallback)
        for name in names {
            guard name.isRuleName, !rules.contains(where: { $0.name == name }) else {
                throw SettingsError(
                    "policy.rules", "has '\(name.printable)', which names no rule of its own",
                    remedy:
                        "use letters, digits and '-', each name once, and not 'default' or 'rules'")
            }
            // What a rule leaves out is as the default rule has it.
            rules.append(try PolicyRule(reader, name, like: fallback))
        }
    }
}

extension PolicyRule {
    fileprivate init(
        _ reader: SettingsReader, _ name: String, like other: PolicyRule
    ) throws(SettingsError) {
        func key(_ part: String) -> [String] { SettingsKey.rule(name, part) }
        self = other
        self.name = name
        if name != SettingsKey.fallback {
            guard let patterns = try reader.list(key("domains")), !patterns.isEmpty else {
                throw SettingsError(
                    key("domains").joined(separator: "."), "is missing",
                    remedy: "say which domains the rule is for, such as [\"tenant-*\"]")
            }
            domains = patterns.map { NamePattern($0) }
        }
        ports = try reader.number(key("ports"), in: 0...1024) ?? ports
        queues = try reader.number(key("queues"), in: 1...255) ?? queues
        memory = try reader.size(key("memory"), in: 1 << 16...1 << 40) ?? memory
        portNames = try reader.list(key("names"))?.map { NamePattern($0) } ?? portNames
        owners = try reader.list(key("owners")) ?? owners
        groups = try reader.list(key("groups")) ?? groups
        secrets = try reader.list(key("secrets")) ?? secrets
        attachments = try reader.list(key("attach")) ?? attachments
        requiresSecret = try reader.flag(key("secret-required")) ?? requiresSecret
        allowsLastingLinks = try reader.flag(key("lasting-links")) ?? allowsLastingLinks
    }
}

extension String {
    fileprivate var isRuleName: Bool {
        !isEmpty && self != SettingsKey.fallback && self != "rules" && utf8.count <= 64
            && utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

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
    /// Takes rules and selectors, each in the order of their list.
    init(
        _ reader: SettingsReader, rules names: [String], selectors: [String]
    ) throws(SettingsError) {
        self.init()
        for name in selectors {
            guard name.isSelectorName, !self.selectors.contains(where: { $0.name == name }) else {
                throw SettingsError(
                    reader.place(of: SettingsKey.selectors),
                    "has '\(name.printable)', which names no selector of its own",
                    remedy: "use letters, digits and '-', each name once, and not 'selectors'")
            }
            self.selectors.append(try PortSelector(reader, name))
        }
        fallback = try PolicyRule(reader, SettingsKey.fallback, like: fallback)
        for name in names {
            guard name.isRuleName, !rules.contains(where: { $0.name == name }) else {
                throw SettingsError(
                    reader.place(of: SettingsKey.rules),
                    "has '\(name.printable)', which names no rule of its own",
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

extension PortSelector {
    fileprivate init(_ reader: SettingsReader, _ name: String) throws(SettingsError) {
        let (domains, declare) = (
            SettingsKey.selector(name, "domains"), SettingsKey.selector(name, "declare")
        )
        guard let patterns = try reader.list(domains), !patterns.isEmpty else {
            throw SettingsError(
                reader.place(of: domains), "is missing",
                remedy: "say which domains get the ports, such as [\"vnf-*\"]")
        }
        guard let declarations = try reader.list(declare), !declarations.isEmpty else {
            throw SettingsError(
                reader.place(of: declare), "is missing",
                remedy: "say which ports the domains get, such as [\"lan0 queues=2 group=vpp\"]")
        }
        do throws(PortError) {
            try self.init(
                name: name, domains: patterns.map { NamePattern($0) }, declarations: declarations)
        } catch {
            throw SettingsError(
                reader.place(of: declare), "cannot be used: \(error.reason)", remedy: error.remedy)
        }
    }
}

extension String {
    fileprivate var isSelectorName: Bool { self != "selectors" && isSettingsName }

    fileprivate var isRuleName: Bool {
        self != SettingsKey.fallback && self != "rules" && isSettingsName
    }

    private var isSettingsName: Bool {
        !isEmpty && utf8.count <= 64
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

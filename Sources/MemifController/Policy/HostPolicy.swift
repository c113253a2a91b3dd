/// Which domains get what of this host: rules in order, of which the first that is for a domain
/// decides alone.
public struct HostPolicy: Sendable, Hashable {
    /// The rules, the one that is asked first at the front.
    public var rules: [PolicyRule] = []
    /// For domains that no rule is for.
    public var fallback = PolicyRule(name: "default")
    /// What domains get beside what they declare themselves. Every one that is for a domain counts; of
    /// two ports of the same name the first does.
    public var selectors: [PortSelector] = []

    /// Every domain gets what ``PolicyRule/init(name:)`` allows.
    public init() {}

    /// The rule for a domain.
    public func rule(forDomain name: String) -> PolicyRule {
        rules.first { rule in rule.domains.contains { $0.matches(name) } } ?? fallback
    }
}

/// What the domains that a rule is for can have.
public struct PolicyRule: Sendable, Hashable {
    /// The name by which refusals name it.
    public var name: String
    /// Names of the domains that it is for. The fallback is for all, whatever stands here.
    public var domains: [NamePattern] = []
    /// Ports of one domain.
    public var ports = 32
    /// Rings in each direction of one port.
    public var queues = 16
    /// Bytes of the memory that a port's peer shares with the daemon, all regions together.
    public var memory: UInt64 = 1 << 30
    /// Names that ports can have; nil: any.
    public var portNames: [NamePattern]?
    /// Owners that ports can name; nil: any.
    public var owners: [String]?
    /// Groups that ports can name; nil: any.
    public var groups: [String]?
    /// Secrets that ports can refer to; nil: any.
    public var secrets: [String]?
    /// What ports can lead to, as the `attach` attribute has it; nil: anything.
    public var attachments: [String]?
    /// Whether a port must have a secret.
    public var requiresSecret = false
    /// Whether a port's link can outlive the domain's run for ever (`link='always'`).
    public var allowsLastingLinks = true

    /// A rule that refuses nothing but what no domain needs.
    public init(name: String) { self.name = name }
}

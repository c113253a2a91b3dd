/// Something in a domain's metadata that is not what the schema says: where, why, and what to do.
public struct DeclarationFinding: Hashable, Sendable, CustomStringConvertible {
    /// What follows from a finding.
    public enum Severity: String, Hashable, Sendable {
        /// The element is used; the part that was not understood is left out.
        case warning
        /// The element is not used; what stood before it stays.
        case error
    }

    /// The element of a finding about the domain as a whole; no port can have this name.
    static let domain = "/domain"

    /// What follows from it.
    public var severity: Severity
    /// The element, with its place among its like: `memif:port[2]`.
    public var element: String
    /// The name of the port that the element declares, where it has one.
    public var port: String?
    /// The attribute that it is about; nil when it is about the element.
    public var attribute: String?
    /// What is wrong.
    public var problem: String
    /// What to do about it.
    public var remedy: String
    /// Whether the host's policy does not allow it.
    var isBreach = false

    /// Where and what.
    public var reason: String {
        let place = port.map { "\(element) '\($0)'" } ?? element
        let subject = attribute.map { "\(place), attribute \($0)" } ?? place
        return "\(subject): \(problem)"
    }

    /// One sentence: where, what, what to do.
    public var description: String { "\(reason); \(remedy)" }
}

/// The ports that a domain's metadata asks for, as far as it can be understood.
public struct DeclaredPorts: Hashable, Sendable {
    /// Ports that can be provided, in the order of the document.
    public var ports: [PortDeclaration] = []
    /// Names of ports that are declared in a way that cannot be used: their last good state stays.
    public var malformed: Set<String> = []
    /// Whether the whole declaration could not be read: everything stays as it is.
    public var isUnreadable = false
    /// What is not what the schema says, up to ``mostFindings`` errors and as many warnings.
    public var findings: [DeclarationFinding] = []
    /// The NICs whose other end is a vhost-user socket, wherever that is.
    var vhostUserInterfaces: [VhostUserInterface] = []
    /// Whether findings have been left out.
    private var isCut = false

    /// The most findings about one domain: its author decides how many mistakes it has, and must not
    /// decide how long the host's log and status are.
    public static let mostFindings = 64

    /// Metadata that asks for nothing.
    public init() {}

    /// The namespace of the elements that are read.
    public static var namespace: String { DomainDocument.namespace }

    /// What is to stand: the ports that can be provided, and those that cannot be understood as they
    /// were when they last could, unless the host's policy does not allow that any more.
    func resolved(
        lastGood: [String: PortDeclaration], under rule: PolicyRule = HostPolicy().fallback
    ) -> [PortDeclaration] {
        var result = ports
        for port in lastGood.values.sorted(by: { $0.name < $1.name })
        where isUnreadable || malformed.contains(port.name) {
            if rule.breach(of: port, beside: result.count) == nil { result.append(port) }
        }
        return result
    }

    /// Adds a finding; beyond ``mostFindings`` of its severity they are left out, and one says so.
    /// No number of warnings hides an error.
    mutating func add(_ finding: DeclarationFinding) {
        if findings.count(where: { $0.severity == finding.severity }) < Self.mostFindings {
            findings.append(finding)
        } else if !isCut {
            isCut = true
            findings.append(
                DeclarationFinding(
                    severity: .warning, element: "memif:ports",
                    problem:
                        "has more than \(Self.mostFindings) mistakes; the others are not listed",
                    remedy: "correct the ones that are"))
        }
    }

    /// The findings about one port.
    func findings(about port: String) -> [DeclarationFinding] {
        findings.filter { $0.port == port }
    }
}

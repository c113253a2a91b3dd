/// Ports that the host gives to domains by their names: for those whose XML cannot be edited.
public struct PortSelector: Sendable, Hashable {
    /// The name by which findings name it.
    public let name: String
    /// Names of the domains that it is for.
    public let domains: [NamePattern]
    /// The ports, in their order.
    public let ports: [PortDeclaration]

    /// Reads ports as `virtwire memif add` takes them: `lan0 queues=2 group=vpp`.
    ///
    /// - Throws: `PortError` for what cannot be a port, and for a name that stands twice.
    public init(
        name: String, domains: [NamePattern], declarations: [String]
    ) throws(PortError) {
        self.name = name
        self.domains = domains
        var ports: [PortDeclaration] = []
        for text in declarations {
            let port = try PortDeclaration(shortForm: text)
            guard !ports.contains(where: { $0.name == port.name }) else {
                throw PortError(
                    reason: "port '\(port.name)' stands there twice", remedy: "remove one of them")
            }
            ports.append(port)
        }
        self.ports = ports
    }

    /// Whether it is for a domain.
    func selects(_ domain: String) -> Bool { domains.contains { $0.matches(domain) } }
}

extension PortDeclaration {
    /// Reads a port's name and its attributes: `lan0 queues=2 group=vpp`.
    fileprivate init(shortForm text: String) throws(PortError) {
        let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
        var attributes: [String: String] = [:]
        attributes[PortAttribute.name.rawValue] = words.first
        for word in words.dropFirst() {
            guard let middle = word.firstIndex(of: "="), middle != word.startIndex else {
                throw PortError(
                    reason: "'\(word.printable)' is no attribute",
                    remedy: "write a port's name and then attributes: 'lan0 queues=2 group=vpp'")
            }
            let value = String(word[word.index(after: middle)...])
            guard attributes.updateValue(value, forKey: String(word[..<middle])) == nil else {
                throw PortError(
                    reason: "attribute \(word[..<middle].description.printable) is given twice",
                    remedy: "give it once")
            }
        }
        try self.init(strictly: attributes)
    }

    /// What that reads; attributes that are as without a word are left out.
    package var shortForm: String {
        let others = attributes.filter { $0.key != PortAttribute.name.rawValue }
        return ([name] + others.map { "\($0.key)=\($0.value)" }.sorted()).joined(separator: " ")
    }

    /// Reads a declaration that somebody can be told about at once: what is not known is refused, not passed
    /// over with a warning.
    package init(strictly attributes: [String: String]) throws(PortError) {
        let known = PortAttribute.allCases.map(\.rawValue)
        for name in attributes.keys.sorted() where !known.contains(name) {
            throw PortError(
                reason: "a port has no attribute '\(name.printable)'",
                remedy: "known are \(known.joined(separator: ", "))")
        }
        do throws(AttributeError) {
            try self.init(attributes: attributes)
        } catch {
            throw PortError(
                reason: "attribute \(error.attribute.rawValue): \(error.problem)",
                remedy: error.remedy)
        }
    }
}

extension DeclaredPorts {
    /// Takes in what the host gives a domain to what the domain declares; the domain's word goes first, and
    /// the policy before both.
    ///
    /// - Returns: all that is to stand.
    mutating func joined(
        _ declared: [PortDeclaration], with policy: HostPolicy, forDomain name: String
    ) -> [PortDeclaration] {
        let rule = policy.rule(forDomain: name)
        return policy.selectors.filter { $0.selects(name) }.reduce(declared) { ports, selector in
            joined(ports, with: selector.ports, called: "selector '\(selector.name)'", under: rule)
        }
    }
}

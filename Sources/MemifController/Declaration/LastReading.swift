/// What a domain's XML was last read as. A look at every domain in its turn finds nearly all of them as they
/// were, and reading costs more than the rest of such a look.
struct LastReading: Sendable {
    /// The XML's length and hash: keeping it would cost more memory than the port does. The hash is seeded anew in
    /// each process, so nobody can write two that are taken for one.
    private struct Key: Hashable {
        var byteCount: Int
        var hash: Int
        var rule: PolicyRule
    }

    private var last: (key: Key, ports: DeclaredPorts)?

    /// What an XML asks for under a rule.
    mutating func ports(of xml: String, under rule: PolicyRule) -> DeclaredPorts {
        let key = Key(byteCount: xml.utf8.count, hash: xml.hashValue, rule: rule)
        if let last, last.key == key { return last.ports }
        let ports = DeclaredPorts.read(fromDomainXML: xml, under: rule)
        last = (key, ports)
        return ports
    }
}

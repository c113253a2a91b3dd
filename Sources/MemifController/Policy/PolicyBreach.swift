/// What a port asks for that a rule does not allow.
struct PolicyBreach: Hashable {
    /// Nil when it is about the port as a whole.
    var attribute: PortAttribute?
    var problem: String
    var remedy: String
}

extension PolicyRule {
    /// Why a domain cannot have a port under this rule; nil when it can.
    ///
    /// - Parameter others: how many it has already.
    func breach(of port: PortDeclaration, beside others: Int) -> PolicyBreach? {
        guard others < ports else {
            return PolicyBreach(
                attribute: nil,
                problem: "is one more than the \(ports) that rule '\(name)' allows a domain",
                remedy: "declare fewer ports, or have the rule changed")
        }
        if let allowed = portNames, !allowed.contains(where: { $0.matches(port.name) }) {
            return breach(.name, "is '\(port.name)'", allows: allowed.map(\.description))
        }
        if port.queues > queues {
            return PolicyBreach(
                attribute: .queues, problem: "is \(port.queues); rule '\(name)' allows \(queues)",
                remedy: "ask for fewer, or have the rule changed")
        }
        if port.memoryNeed > memory {
            return PolicyBreach(
                attribute: .queues,
                problem: "with ring-size \(port.ringSize) and buffer-size \(port.bufferSize) takes "
                    + "\(port.memoryNeed) bytes; rule '\(name)' allows \(memory)",
                remedy: "ask for fewer or smaller rings, or have the rule changed")
        }
        if port.link == .always, !allowsLastingLinks {
            return breach(.link, "is 'always'", allows: [LinkPolicy.follow.rawValue])
        }
        return breach(.owner, of: port.owner, allowed: owners)
            ?? breach(.group, of: port.group, allowed: groups)
            ?? breach(.attach, of: port.attachment.name, allowed: attachments)
            ?? secretBreach(of: port)
    }

    private func secretBreach(of port: PortDeclaration) -> PolicyBreach? {
        if port.secretReference == nil, requiresSecret {
            return breach(.secretReference, "is missing", allows: secrets ?? ["any"])
        }
        return breach(.secretReference, of: port.secretReference, allowed: secrets)
    }

    private func breach(
        _ attribute: PortAttribute, of value: String?, allowed: [String]?
    ) -> PolicyBreach? {
        guard let value, let allowed, !allowed.contains(value) else { return nil }
        return breach(attribute, "is '\(value.printable)'", allows: allowed)
    }

    private func breach(
        _ attribute: PortAttribute, _ finding: String, allows allowed: [String]
    ) -> PolicyBreach {
        let list = allowed.isEmpty ? "none" : allowed.map { "'\($0)'" }.joined(separator: ", ")
        return PolicyBreach(
            attribute: attribute, problem: "\(finding); rule '\(name)' allows \(list)",
            remedy: "change it to what the rule allows, or have the rule changed")
    }
}

extension PortDeclaration {
    /// Bytes that its rings and buffers take at least, as a peer lays them out that makes the most of
    /// the declaration: 16 a descriptor and a buffer for each.
    var memoryNeed: UInt64 {
        UInt64(2 * queues) * UInt64(ringSize) * UInt64(16 + bufferSize)
    }
}

extension DeclaredPorts {
    /// What a domain's XML asks for.
    ///
    /// A port that cannot be understood, or that the host's policy refuses, harms no other: it is
    /// named in ``malformed``, with a finding that says which element and attribute, why, and what
    /// to do.
    ///
    /// - Parameter rule: what this host lets the domain have.
    public static func read(
        fromDomainXML xml: String, under rule: PolicyRule = HostPolicy().fallback
    ) -> DeclaredPorts {
        do {
            let document = try DomainDocument(xml: xml)
            var result = read(document.elements, under: rule)
            result.vhostUserInterfaces = document.vhostUserInterfaces
            return result
        } catch {
            var result = DeclaredPorts()
            result.isUnreadable = true
            result.report(
                .error, DeclarationFinding.domain, problem: error.description,
                remedy: "look at the domain with virsh dumpxml and define it again")
            return result
        }
    }

    static func read(_ elements: [MetadataElement], under rule: PolicyRule) -> DeclaredPorts {
        var result = DeclaredPorts()
        guard let first = elements.first else { return result }
        guard first.name == "ports", elements.count == 1 else {
            result.isUnreadable = true
            result.report(
                .error, "memif:\(first.name.printable)",
                problem: elements.count > 1
                    ? "stands beside another element of the same namespace, and libvirt keeps only one"
                    : "is not an element that belongs directly in <metadata>",
                remedy:
                    "put every port into one <memif:ports xmlns:memif='\(DomainDocument.namespace)'>"
            )
            return result
        }
        for attribute in first.attributes.keys.sorted() {
            result.report(
                .warning, "memif:ports", attribute: attribute.printable,
                problem: "is not known, and ignored",
                remedy: "remove it; what is about a port belongs on its <memif:port>")
        }
        for (index, element) in first.children.enumerated() {
            result.readPort(element, place: index + 1, under: rule)
        }
        return result
    }

    private mutating func readPort(
        _ element: MetadataElement, place: Int, under rule: PolicyRule
    ) {
        guard element.name == "port" else {
            report(
                .warning, "memif:ports/*[\(place)]",
                problem: "<\(element.name.printable)> is not known, and ignored",
                remedy: "remove it; only <memif:port> belongs in <memif:ports>")
            return
        }
        let place = "memif:port[\(place)]"
        let name = element.attributes[PortAttribute.name.rawValue].flatMap {
            $0.isPortName ? $0 : nil
        }
        warnOfUnknownParts(of: element, place, name)
        if let name, malformed.contains(name) || ports.contains(where: { $0.name == name }) {
            report(
                .error, place, port: name, attribute: PortAttribute.name.rawValue,
                problem: "is the name of an earlier port too; this second one is left out",
                remedy: "give each port of a domain a name of its own")
            return
        }
        do throws(AttributeError) {
            let port = try PortDeclaration(attributes: element.attributes)
            if let breach = rule.breach(of: port, beside: ports.count) {
                malformed.insert(port.name)
                report(
                    .error, place, port: port.name, attribute: breach.attribute?.rawValue,
                    problem: breach.problem, remedy: breach.remedy, isBreach: true)
                return
            }
            ports.append(port)
        } catch {
            if let name { malformed.insert(name) }
            report(
                .error, place, port: name, attribute: error.attribute.rawValue,
                problem: error.problem, remedy: error.remedy)
        }
    }

    private mutating func warnOfUnknownParts(
        of element: MetadataElement, _ place: String, _ name: String?
    ) {
        let known = PortAttribute.allCases.map(\.rawValue)
        for attribute in element.attributes.keys.sorted() where !known.contains(attribute) {
            report(
                .warning, place, port: name, attribute: attribute.printable,
                problem: "is not known, and ignored",
                remedy: "remove it; known are \(known.joined(separator: ", "))")
        }
        for child in element.children {
            report(
                .warning, place, port: name,
                problem: "has <\(child.name.printable)> in it, which is ignored",
                remedy: "remove it; a port is described by its attributes alone")
        }
    }

    private mutating func report(
        _ severity: DeclarationFinding.Severity, _ element: String, port: String? = nil,
        attribute: String? = nil, problem: String, remedy: String, isBreach: Bool = false
    ) {
        add(
            DeclarationFinding(
                severity: severity, element: element, port: port, attribute: attribute,
                problem: problem, remedy: remedy, isBreach: isBreach))
    }
}

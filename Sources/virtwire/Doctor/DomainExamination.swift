internal import LinuxIO
internal import MemifController

/// One domain, as libvirt has it, and what may be wrong with it.
struct DomainExamination {
    let name: String
    let vm: VMIdentifier
    /// The XML of the run, nil while there is none.
    let live: String?
    /// The XML of the definition, nil for a transient domain.
    let defined: String?
    /// Whether it hangs on its way up.
    let isStarting: Bool
    let layout: RuntimeLayout
    /// What stands at a socket's path.
    var probe: (String) -> SocketFileState? = { try? SocketFile.probe($0) }
    /// Whether QEMU reaches a socket; nil where nobody knows as whom it runs.
    var qemu: Reachability?

    /// The ports that count now.
    var ports: [PortDeclaration] { Self.ports(live ?? defined).ports }

    private static func ports(_ xml: String?) -> DeclaredPorts {
        xml.map { DeclaredPorts.read(fromDomainXML: $0) } ?? DeclaredPorts()
    }

    /// Everything that is found.
    func symptoms() -> [Symptom] {
        let current = live ?? defined ?? ""
        var declared = Self.ports(current)
        declared.refuseInterfaces(in: layout)
        var symptoms = declared.findings.map { finding in
            Symptom(name, finding.reason, remedy: finding.remedy)
        }
        guard let facts = DomainFacts(xml: current) else { return symptoms }
        symptoms += misplaced(facts) + halfDeclared() + sockets() + interfaces(facts)
        if isStarting {
            symptoms.append(
                Symptom(
                    name, "hangs on its way up: QEMU waits for something",
                    remedy:
                        "have somebody listen at the sockets of its vhostuser interfaces, or end "
                        + "it with virsh destroy"))
        }
        return symptoms
    }

    /// Ports in a namespace that nobody reads.
    private func misplaced(_ facts: DomainFacts) -> [Symptom] {
        facts.metadata.filter { element in
            ["ports", "port"].contains(element.name) && element.namespace != DeclaredPorts.namespace
                && element.namespace.contains("memif")
        }.map { element in
            Symptom(
                name,
                "has <\(element.name)> of the namespace '\(element.namespace)' in its "
                    + "metadata, which nobody reads",
                remedy: "write \(DeclaredPorts.namespace)")
        }
    }

    /// Ports of the run that its definition lacks, and the reverse.
    private func halfDeclared() -> [Symptom] {
        guard let live, let defined else { return [] }
        let now = Set(Self.ports(live).ports.map(\.name))
        let then = Set(Self.ports(defined).ports.map(\.name))
        let lost = now.subtracting(then).sorted().map { port in
            Symptom(
                "\(name)/\(port)", "is declared for this run only, and gone with its end",
                remedy: "declare it in the definition too: virsh metadata --config --live")
        }
        let late = then.subtracting(now).sorted().map { port in
            Symptom(
                "\(name)/\(port)",
                "is declared in the definition only, and comes with the next start",
                remedy:
                    "declare it for this run too (virsh metadata --config --live), or start the "
                    + "domain anew")
        }
        return lost + late
    }

    /// Whether QEMU has to reach a socket that somebody else makes.
    var hasClientInterfaces: Bool {
        DomainFacts(xml: live ?? defined ?? "")?.vhostUserInterfaces.contains(where: \.isClient)
            ?? false
    }

    /// Ports whose sockets cannot stand where they belong.
    private func sockets() -> [Symptom] {
        ports.compactMap { port in
            let path = layout.socket(of: vm, port: port.name)
            let subject = "\(name)/\(port.name)"
            if path.utf8.count > UnixAddress.longestName {
                return Symptom(
                    subject,
                    "would have a socket's path of \(path.utf8.count) bytes, and an address holds "
                        + "\(UnixAddress.longestName): \(path)",
                    remedy: "give the port a shorter name, or virtwired a shorter runtime-directory"
                )
            }
            guard probe(path) == .foreign else { return nil }
            return Symptom(
                subject, "has something that is no socket at its socket's place: \(path)",
                remedy: "move it away: mv \(path) \(path).old")
        }
    }

    private func interfaces(_ facts: DomainFacts) -> [Symptom] {
        var symptoms: [Symptom] = []
        if !facts.vhostUserInterfaces.isEmpty, !facts.hasSharedMemory {
            symptoms.append(
                Symptom(
                    name,
                    "has a vhostuser interface and no shared memory: QEMU gives nobody its "
                        + "guest's memory, and no packet passes",
                    remedy: "add <memoryBacking><source type='memfd'/><access mode='shared'/>"
                        + "</memoryBacking> and start the domain anew"))
        }
        // Of those in the daemon's own directory all is said with the declarations.
        for interface in facts.vhostUserInterfaces
        where interface.isClient && !layout.holds(interface.path) {
            let subject = "\(name)/\(interface.name)"
            let length = interface.path.utf8.count
            if length > UnixAddress.longestName {
                symptoms.append(
                    Symptom(
                        subject,
                        "has a socket's path of \(length) bytes, and an address holds "
                            + "\(UnixAddress.longestName)",
                        remedy: "write a shorter one"))
            } else if probe(interface.path) != .live {
                symptoms.append(
                    Symptom(
                        subject,
                        "expects a vhost-user socket at \(interface.path), where nobody "
                            + "listens: a start fails at once, or hangs",
                        remedy: "start what listens there before the domain"))
            } else if let obstacle = qemu?.obstacle(to: interface.path) {
                symptoms.append(
                    Symptom(
                        subject, "\(obstacle.subject) \(obstacle.problem)",
                        remedy: obstacle.remedy))
            }
        }
        return symptoms
    }
}

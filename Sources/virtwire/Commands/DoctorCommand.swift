internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol
internal import LinuxIO
internal import MemifController
internal import VirtwireProtocol
internal import XDR

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find what keeps packets from flowing, and say what to do.",
        discussion: """
            Looks at the host, the daemon, libvirt and each domain; with --user also whether that user \
            can reach the sockets. With a domain's name it prints command lines with which packet \
            processors connect to its ports. Ends with 0 when nothing is found, else with 1.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "The user that a packet processor runs as.")
    var user: String?

    @Option(help: "The directory in which virtwired finds the secrets that ports refer to.")
    var secretsDirectory = HostConfiguration().secretsDirectory

    @Argument(help: "A domain's name or UUID; without it all.")
    var vm: String?

    /// What is written.
    struct Report: Encodable {
        var symptoms: [Symptom] = []
        var peers: [PeerCommands] = []
    }

    func validate() throws {
        if let user, Accounts.user(user) == nil {
            throw ValidationError("this host has no user '\(user)'")
        }
    }

    func run() async throws { try write(try await examine()) }

    /// Looks at everything.
    ///
    /// - Throws: `CommandFailure` when the domain that was asked for is not there.
    func examine() async throws -> Report {
        var host = HostConfiguration()
        host.runtimeDirectory = daemon.runtimeDirectory
        let layout = RuntimeLayout(host)
        var report = Report()
        let examination = HostExamination(layout: layout, secretsDirectory: secretsDirectory)
        report.symptoms += examination.symptoms() + (await daemonSymptoms())
        let domains = try await domains(layout, &report)
        if let vm, domains.isEmpty, report.symptoms.isEmpty {
            throw CommandFailure(
                .notFound, "no domain '\(vm)': virtwire domain list lists those there are")
        }
        for domain in domains {
            let ports = await vm == nil ? domain.ports : ports(of: domain)
            report.symptoms += domain.symptoms() + examination.secretSymptoms(ports)
            for port in ports {
                let socket = layout.socket(of: domain.vm, port: port.name)
                if let found = reachability?.obstacle(to: socket) { report.symptoms.append(found) }
                if vm != nil {
                    report.peers.append(
                        PeerCommands(
                            vm: domain.name, port, socket: socket, number: report.peers.count + 1))
                }
            }
        }
        return report
    }

    private var reachability: Reachability? {
        guard let user, let number = Accounts.user(user) else { return nil }
        return Reachability(user: number, groups: Accounts.groups(of: number))
    }

    /// A domain's ports, those that the settings or somebody else has given it included where the daemon
    /// tells of them.
    private func ports(of domain: DomainExamination) async -> [PortDeclaration] {
        let names = try? await daemon.status().ports.filter { $0.uuid == "\(domain.vm)" }.map(
            \.port)
        var ports = domain.ports
        for name in names ?? [] where !ports.contains(where: { $0.name == name }) {
            let arguments = virtwire_port_args(
                vm: XDRString("\(domain.vm)"), name: XDRString(name))
            guard let wire = try? await daemon.call(Virtwire.PORT, arguments) else { continue }
            let attributes = Dictionary(
                wire.declaration.map { ($0.name.text, $0.value.text) }, uniquingKeysWith: { $1 })
            if let port = try? PortDeclaration(strictly: attributes) { ports.append(port) }
        }
        return ports
    }

    /// What the daemon says, or that it says nothing.
    private func daemonSymptoms() async -> [Symptom] {
        let status: DaemonStatus
        do {
            status = try await daemon.status()
        } catch {
            let words = (error as? CommandFailure)?.message ?? "\(error)"
            return [
                Symptom(
                    "virtwired", "does not answer: \(words)",
                    remedy: "start it: systemctl start virtwired")
            ]
        }
        var symptoms: [Symptom] = []
        if !status.libvirt.connected {
            symptoms.append(
                Symptom(
                    "virtwired", "cannot ask \(status.libvirt.uri): \(status.libvirt.error)",
                    remedy: "start libvirtd, or set connect to its URI"))
        }
        for port in status.ports where ["Failed", "Degraded"].contains(port.state) {
            guard vm == nil || vm == port.vm || vm == port.uuid else { continue }
            symptoms.append(
                Symptom("\(port.vm)/\(port.port)", port.reason, remedy: port.remedy))
        }
        return symptoms
    }

    /// The domains asked for, or a symptom.
    private func domains(
        _ layout: RuntimeLayout, _ report: inout Report
    ) async throws -> [DomainExamination] {
        do throws(LibvirtError) {
            let connection = try await Connection.open(connection.connect, readOnly: true)
            let account = QEMUAccount(capabilities: try await connection.capabilities())
            let all = try await connection.listAllDomains()
            var found: [DomainExamination] = []
            for domain in all where vm == nil || vm == domain.name || vm == "\(domain.uuid)" {
                if var examined = try await DomainExamination(domain, layout) {
                    examined.qemu = account?.reachability
                    found.append(examined)
                }
            }
            if account == nil, found.contains(where: \.hasClientInterfaces) {
                report.symptoms.append(QEMUAccount.unknown)
            }
            await connection.close()
            return found.sorted { $0.name < $1.name }
        } catch {
            report.symptoms.append(
                Symptom(
                    "libvirt", "cannot be asked: \(error)",
                    remedy: "start libvirtd, or name its URI with --connect"))
            return []
        }
    }

    private func write(_ report: Report) throws {
        switch output.format {
        case .json: try StandardOutput.json(report)
        case .table:
            if report.symptoms.isEmpty {
                try StandardOutput.line("nothing found")
            } else {
                for line in Symptom.table(of: report.symptoms).lines {
                    try StandardOutput.line(line)
                }
            }
            for line in report.peers.flatMap(\.lines) { try StandardOutput.line(line) }
            if !report.peers.isEmpty { try StandardOutput.line("(\(PeerCommands.hint))") }
        }
        if !report.symptoms.isEmpty { throw ExitCode(ExitStatus.failed.rawValue) }
    }
}

extension DomainExamination {
    /// Reads a domain; nil when it goes meanwhile.
    init?(_ domain: Domain, _ layout: RuntimeLayout) async throws(LibvirtError) {
        guard let vm = VMIdentifier(bytes: domain.uuid.bytes) else { return nil }
        do throws(LibvirtError) {
            let state = try await domain.state()
            // One that has crashed may be kept as it is, and is a run still.
            let live = try await domain.isActive() ? try await domain.xml() : nil
            let isPersistent = try await domain.isPersistent()
            let defined = isPersistent ? try await domain.xml(flags: .inactive) : nil
            self.init(
                name: domain.name, vm: vm, live: live, defined: defined,
                isStarting: state.state == .paused
                    && state.reason == virDomainPausedReason.startingUp.rawValue, layout: layout)
        } catch {
            if error.code == .noDomain { return nil }
            throw error
        }
    }
}

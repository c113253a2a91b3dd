internal import ArgumentParser
internal import Libvirt
internal import LibvirtProtocol
internal import LinuxIO
internal import MemifController

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Find what keeps packets from flowing, and say what to do.",
        discussion: """
            Looks at the daemon, at libvirt and at each domain; with --user also whether that user \
            can reach the sockets. With a domain's name it prints command lines with which packet \
            processors connect to its ports. Ends with 0 when nothing is found, else with 1.
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var daemon: DaemonOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "The user that a packet processor runs as.")
    var user: String?

    @Argument(help: "A domain's name or UUID; without it all.")
    var vm: String?

    /// What is written.
    private struct Report: Encodable {
        var symptoms: [Symptom] = []
        var peers: [PeerCommands] = []
    }

    func validate() throws {
        if let user, Accounts.user(user) == nil {
            throw ValidationError("this host has no user '\(user)'")
        }
    }

    func run() async throws {
        var host = HostConfiguration()
        host.runtimeDirectory = daemon.runtimeDirectory
        let layout = RuntimeLayout(host)
        var report = Report()
        report.symptoms += await daemonSymptoms()
        let domains = try await domains(layout, &report)
        if let vm, domains.isEmpty, report.symptoms.isEmpty {
            throw CommandFailure(
                .notFound, "no domain '\(vm)': virtwire domain list lists those there are")
        }
        for domain in domains {
            report.symptoms += domain.symptoms()
            for port in domain.ports {
                let socket = layout.socket(of: domain.vm, port: port.name)
                if let found = reachability?.obstacle(to: socket) { report.symptoms.append(found) }
                if vm != nil {
                    report.peers.append(PeerCommands(vm: domain.name, port, socket: socket))
                }
            }
        }
        try write(report)
    }

    private var reachability: Reachability? {
        guard let user, let number = Accounts.user(user) else { return nil }
        return Reachability(user: number, groups: Accounts.groups(of: number))
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
            let all = try await connection.listAllDomains()
            var found: [DomainExamination] = []
            for domain in all where vm == nil || vm == domain.name || vm == "\(domain.uuid)" {
                if let examined = try await DomainExamination(domain, layout) {
                    found.append(examined)
                }
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
            let isActive = state.state != .shutoff && state.state != .crashed
            let live = isActive ? try await domain.xml() : nil
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

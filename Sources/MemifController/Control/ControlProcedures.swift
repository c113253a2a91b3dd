internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// What the control sockets' procedures do.
struct ControlProcedures: Sendable {
    let controller: Controller
    /// The libvirt URI that the daemon was given.
    let uri: String
    let audit: AuditLog
    /// Nil where the log level cannot be changed.
    let logLevel: LogLevelSetting?
    var reports = DaemonReports()

    /// The highest procedure number that is known.
    static let protocolLevel = UInt32(Virtwire.METRICS.number)

    /// All of them, for one client.
    func table(for caller: ControlCaller) -> ControlTable {
        var table = ControlTable(caller, audit: audit)
        table.serve(Virtwire.VERSION) { (_) async throws(CallRefusal) in
            virtwire_version_ret(
                version: XDRString(Daemon.version), protocol: Self.protocolLevel)
        }
        table.serve(Virtwire.STATUS) { (_) async throws(CallRefusal) in status }
        table.serve(Virtwire.PORT) { (arguments) async throws(CallRefusal) in
            try await answering { () async throws(QuestionError) in
                virtwire_port_ret(
                    try controller.details(
                        ofPort: arguments.name.text, of: arguments.vm.text))
            }
        }
        table.serve(Virtwire.PLAN) { (arguments) async throws(CallRefusal) in
            let name = arguments.vm.text
            return try await answering { () async throws(QuestionError) in
                // Accounts and secrets are looked up, which may take a while.
                let steps = try await withTaskExecutorPreference(WaitingThreads.shared) {
                    () async throws(QuestionError) in
                    try await controller.plan(for: name.isEmpty ? nil : name)
                }
                return virtwire_plan_ret(steps: steps.map { virtwire_plan_step($0) })
            }
        }
        table.serve(Virtwire.STATISTICS) { (arguments) async throws(CallRefusal) in
            let name = arguments.vm.text
            return try await answering { () async throws(QuestionError) in
                let ports = try controller.portStatistics(of: name.isEmpty ? nil : name)
                return virtwire_statistics_ret(
                    time_ms: UInt64(clamping: AddedPort.now),
                    ports: ports.map { virtwire_port_statistics($0) })
            }
        }
        table.confide(Virtwire.SETTINGS) { () async throws(CallRefusal) in reports.wireSettings }
        table.serve(Virtwire.METRICS) { (_) async throws(CallRefusal) in
            virtwire_metrics_ret(text: XDRString(reports.metrics()))
        }
        table.serve(Virtwire.WATCH) { (_) async throws(CallRefusal) in await watch(caller) }
        addChanges(to: &table, for: caller)
        table.serveList()
        return table
    }

    private var status: virtwire_status_ret { virtwire_status_ret(controller.status(), uri: uri) }

    /// Has the client watch, unless it does.
    ///
    /// - Returns: the status as of a moment from which on every change has its event.
    private func watch(_ caller: ControlCaller) async -> virtwire_watch_ret {
        let (collecting, isCollecting) = AsyncStream.makeStream(of: Void.self)
        let controller = controller
        let isNew = caller.watch {
            defer { isCollecting.finish() }
            guard let link = caller.link else { return }
            await StatusWatch(controller).run(over: link) { isCollecting.finish() }
        }
        if isNew { for await _ in collecting {} }
        return virtwire_watch_ret(status: status)
    }

    private func answering<Answer>(
        _ question: () async throws(QuestionError) -> Answer
    ) async throws(CallRefusal) -> Answer {
        do throws(QuestionError) {
            return try await question()
        } catch {
            throw CallRefusal(error)
        }
    }
}

extension CallRefusal {
    /// Says why a question has no answer.
    init(_ error: QuestionError) {
        switch error {
        case .noDomain(let name):
            self.init(
                .noDomain, "there is no domain '\(name.printable)': virsh list --all shows all")
        case .noPort(let name, let domain):
            self.init(
                .noDomain,
                "domain '\(domain.printable)' has no port '\(name.printable)': virtwire status "
                    + "lists those there are")
        case .unavailable(let reason):
            self.init(.operationInvalid, "libvirt cannot be asked: \(reason)")
        }
    }
}

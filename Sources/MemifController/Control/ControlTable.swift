internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import VirtwireProtocol
internal import XDR

/// The procedures for one client, each as its socket allows it.
struct ControlTable: Sendable {
    private var procedures = ProcedureTable()
    private var known: [(number: Int32, name: String, isAllowed: Bool)] = []
    private let caller: ControlCaller
    private let audit: AuditLog

    init(_ caller: ControlCaller, audit: AuditLog) {
        self.caller = caller
        self.audit = audit
    }

    /// Offers a procedure that only asks.
    mutating func serve<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        _ body: @escaping @Sendable (Arguments) async throws(CallRefusal) -> Result
    ) {
        known.append((procedure.number, procedure.name, true))
        procedures.serve(procedure, body)
    }

    /// Offers a procedure that only asks, and whose answer is for those alone who administer the daemon.
    mutating func confide<Result>(
        _ procedure: XDRProcedure<XDRVoid, Result>,
        _ body: @escaping @Sendable () async throws(CallRefusal) -> Result
    ) {
        let isAllowed = caller.access == .administrative
        known.append((procedure.number, procedure.name, isAllowed))
        procedures.serve(procedure) { (_) async throws(CallRefusal) -> Result in
            guard isAllowed else { throw .confidential(procedure.name) }
            return try await body()
        }
    }

    /// Offers a procedure that changes something: refused on the read-only socket, and else with lines
    /// in the audit log.
    ///
    /// - Parameter describe: the arguments as those lines have them.
    mutating func change<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        describe: @escaping @Sendable (Arguments) -> [String: String],
        _ body: @escaping @Sendable (Arguments) async throws(CallRefusal) -> Result
    ) {
        known.append((procedure.number, procedure.name, caller.access == .administrative))
        let (caller, audit, name) = (caller, audit, procedure.name)
        procedures.serve(procedure) { (arguments: Arguments) async throws(CallRefusal) -> Result in
            try await caller.administer(name, describe(arguments), audit) {
                () async throws(CallRefusal) in try await body(arguments)
            }
        }
    }

    /// As `change`, with descriptors that pass with the call and with the reply.
    mutating func changePassing<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>,
        describe: @escaping @Sendable (Arguments) -> [String: String],
        _ body:
            @escaping @Sendable (Arguments, PassedDescriptors?) async throws(CallRefusal) -> (
                Result, PassedDescriptors?
            )
    ) {
        known.append((procedure.number, procedure.name, caller.access == .administrative))
        let (caller, audit, name) = (caller, audit, procedure.name)
        procedures.servePassing(procedure) {
            (
                arguments: Arguments, passed
            ) async throws(CallRefusal)
                -> (Result, PassedDescriptors?) in
            try await caller.administer(name, describe(arguments), audit) {
                () async throws(CallRefusal) in try await body(arguments, passed)
            }
        }
    }

    /// Offers the procedure that tells which there are; the last to be offered.
    mutating func serveList() {
        let all = known + [(Virtwire.PROCEDURES.number, Virtwire.PROCEDURES.name, true)]
        let list = virtwire_procedures_ret(
            procedures: all.sorted { $0.number < $1.number }.map { procedure in
                virtwire_procedure_info(
                    number: UInt32(procedure.number), name: XDRString(procedure.name),
                    allowed: procedure.isAllowed)
            })
        serve(Virtwire.PROCEDURES) { (_) async throws(CallRefusal) in list }
    }

    /// Answers a call.
    func answer(_ call: IncomingCall) async -> CallAnswer { await procedures.answer(call) }
}

extension ControlCaller {
    /// Has something changed, if the caller's socket allows that, and keeps a line of it before and after.
    fileprivate func administer<Answer>(
        _ name: String, _ arguments: [String: String], _ audit: AuditLog,
        _ body: () async throws(CallRefusal) -> Answer
    ) async throws(CallRefusal) -> Answer {
        guard access == .administrative else {
            let (audit, credentials) = (audit, credentials)
            await withTaskExecutorPreference(WaitingThreads.shared) {
                audit.refuse(name, "called over the read-only socket", by: credentials)
            }
            throw .readOnly(name)
        }
        return try await withTaskExecutorPreference(WaitingThreads.shared) {
            () async throws(CallRefusal) in
            try await audited(name, arguments, audit, body)
        }
    }

    private func audited<Answer>(
        _ name: String, _ arguments: [String: String], _ audit: AuditLog,
        _ body: () async throws(CallRefusal) -> Answer
    ) async throws(CallRefusal) -> Answer {
        let call = audit.begin(name, arguments, by: credentials)
        do throws(CallRefusal) {
            let answer = try await body()
            audit.end(call)
            return answer
        } catch {
            audit.end(call, refusal: error.error.message?.text ?? "refused")
            throw error
        }
    }
}

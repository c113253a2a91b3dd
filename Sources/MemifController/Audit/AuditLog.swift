internal import Foundation
internal import LinuxIO
internal import Logging
internal import Synchronization

/// Who had what changed over the control socket: two lines of JSON for each such call, one before anything
/// is done and one that says what came of it. A call with the first alone was under way when the daemon
/// was killed. And what came to pass without a call: see ``AuditEvent``.
///
/// The lines go to a file of their own, where one is named. Else those of calls go to the daemon's log, which
/// has lines of its own for the rest.
final class AuditLog: Sendable {
    private let path: String?
    private let logger: Logger
    private let file: Mutex<DataFile?>
    /// Tells the calls of this process from those of others in the same file.
    private let run = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    private let callCount = Atomic<UInt64>(0)
    /// What anybody can cause as often as he likes must not fill the disk.
    private let refusals = Mutex(RefusalBudget())
    /// Nor what a port's own peers can.
    private let links = Mutex(LinkBudgets())
    let backlog = Mutex(LineBacklog<AuditEvent>())

    /// Opens the file: a daemon that cannot keep the audit it was told to keep does not run.
    init(_ path: String?, logger: Logger) throws(PortError) {
        self.path = path
        self.logger = logger
        var opened: DataFile?
        if let path { opened = try Self.open(path) }
        file = Mutex(opened)
    }

    /// Keeps no file.
    init(logger: Logger) {
        path = nil
        self.logger = logger
        file = Mutex(nil)
    }

    private static func open(_ path: String) throws(PortError) -> DataFile {
        do throws(SystemError) {
            return try DataFile(appendingTo: path)
        } catch {
            throw PortError(
                reason: "the audit log cannot be written: \(error)",
                remedy: "make its directory, writable for the daemon, or name another with "
                    + "audit-log in the settings")
        }
    }

    /// Opens the file anew, for whoever has moved the old one away.
    func reopen() {
        guard let path else { return }
        do throws(PortError) {
            var new: DataFile? = try Self.open(path)
            file.withLock { $0 = new.take() }
        } catch {
            logger.error(
                "\(error.reason); lines go where they went before",
                metadata: ["remedy": "\(error.remedy)"])
        }
    }

    /// Adds the line before a call is carried out.
    ///
    /// - Returns: what ``end(_:refusal:)`` takes.
    func begin(
        _ procedure: String, _ arguments: [String: String], by credentials: PeerCredentials?
    ) -> AuditEntry {
        let number = callCount.add(1, ordering: .relaxed).newValue
        let entry = AuditEntry(procedure, arguments, by: credentials, call: "\(run)-\(number)")
        write(entry.line)
        return entry
    }

    /// Adds the line after it.
    ///
    /// - Parameter refusal: why it was not done; nil when it was.
    func end(_ call: AuditEntry, refusal: String? = nil) { write(call.ended(refusal).line) }

    /// Adds the one line of a call that its socket does not allow.
    func refuse(_ procedure: String, _ reason: String, by credentials: PeerCredentials?) {
        guard let unwritten = refusals.withLock({ $0.spend(now: .now) }) else { return }
        let number = callCount.add(1, ordering: .relaxed).newValue
        let entry = AuditEntry(procedure, [:], by: credentials, call: "\(run)-\(number)")
        write(entry.ended(reason, unwritten: unwritten).line)
    }

    /// Adds the line of something that came to pass without a call.
    func note(_ event: AuditEvent) {
        guard path != nil else { return }
        write(event.line)
    }

    /// As ``note(_:)``, for a thread that must not wait for a disk: soon, in the order in which they came.
    ///
    /// - Parameter event: is not made where there is no file; its time is that of the call.
    func noteLater(_ event: @autoclosure () -> AuditEvent, now: ContinuousClock.Instant = .now) {
        guard path != nil else { return }
        var event = event()
        guard let unwritten = spend(on: event, now: now) else { return }
        event.unwritten = unwritten
        let isFirst = backlog.withLock { $0.add(event) }
        guard isFirst else { return }
        Task(executorPreference: WaitingThreads.shared) { self.writeBacklog() }
    }

    /// Waits until no line does, for whoever is about to end; for so long only, because a disk may not answer.
    ///
    /// - Returns: whether all are written.
    func flush(until deadline: ContinuousClock.Instant) async -> Bool {
        if path == nil { return true }
        let isWhole = await wait(until: deadline) { !backlog.withLock(\.isBeingWritten) }
        if !isWhole { logger.error("the audit log lacks its last lines: they took too long") }
        return isWhole
    }

    /// - Returns: how many lines are missing before this one; nil when this one is to be missing too.
    private func spend(on event: AuditEvent, now: ContinuousClock.Instant) -> Int? {
        switch event.kind {
        case .peerRefused: refusals.withLock { $0.spend(now: now) }
        // A guest can reboot as often as it likes.
        case .peerConnected, .peerDisconnected, .domainRebooted:
            links.withLock { $0.spend(on: event, now: now) }
        default: 0
        }
    }

    private func writeBacklog() {
        while let event = backlog.withLock({ $0.next() }) { write(event.line) }
    }

    private func write(_ line: String) {
        let failure = file.withLock { file -> String? in
            if file == nil { return "" }
            do throws(SystemError) {
                try file?.append(Array("\(line)\n".utf8))
                return nil
            } catch {
                return "\(error)"
            }
        }
        guard let failure else { return }
        if failure.isEmpty {
            logger.notice("administered", metadata: ["call": "\(line)"])
        } else {
            logger.error(
                "a line of the audit log could not be written",
                metadata: ["reason": "\(failure)", "call": "\(line)"])
        }
    }
}

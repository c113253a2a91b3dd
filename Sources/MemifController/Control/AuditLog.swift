internal import Foundation
internal import LinuxIO
internal import Logging
internal import Synchronization

/// Who had what changed over the control socket: two lines of JSON for each such call, one before anything
/// is done and one that says what came of it. A call with the first alone was under way when the daemon
/// was killed. And one line for what befell a domain with ports by itself.
///
/// The lines go to a file of their own, where one is named, and else to the daemon's log.
final class AuditLog: Sendable {
    private let path: String?
    private let logger: Logger
    private let file: Mutex<DataFile?>
    /// Tells the calls of this process from those of others in the same file.
    private let run = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    private let callCount = Atomic<UInt64>(0)

    /// Opens the file: a daemon that cannot keep the audit it was told to keep does not run.
    init(_ path: String?, logger: Logger) throws(PortError) {
        self.path = path
        self.logger = logger
        var opened: DataFile?
        if let path { opened = try Self.open(path) }
        file = Mutex(opened)
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
        let entry = begun(procedure, arguments, by: credentials)
        write(entry)
        return entry
    }

    private func begun(
        _ procedure: String, _ arguments: [String: String], by credentials: PeerCredentials?
    ) -> AuditEntry {
        let number = callCount.add(1, ordering: .relaxed).newValue
        return AuditEntry(procedure, arguments, by: credentials, call: "\(run)-\(number)")
    }

    /// Adds the line after it.
    ///
    /// - Parameter refusal: why it was not done; nil when it was.
    func end(_ call: AuditEntry, refusal: String? = nil) { write(call.ended(refusal)) }

    /// Adds the line of something that nobody has called for.
    func note(_ incident: String, _ arguments: [String: String]) {
        write(begun(incident, arguments, by: nil).ended(nil))
    }

    private func write(_ entry: AuditEntry) {
        let line = entry.line
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

/// One call that is to change something, as one line has it.
struct AuditEntry: Encodable, Sendable {
    /// What has become of it.
    private enum Outcome: String, Encodable {
        case begun, done, refused
    }

    /// The longest value of an argument that is kept, in bytes.
    private static let longestValue = 1024

    private var time: String
    /// The same in both of its lines, and in no other call's.
    private let call: String
    private let pid: Int32?
    private let uid: UInt32?
    private let gid: UInt32?
    private let user: String?
    private let procedure: String
    private let arguments: [String: String]
    private var outcome = Outcome.begun
    private var reason: String?

    fileprivate init(
        _ procedure: String, _ arguments: [String: String], by credentials: PeerCredentials?,
        call: String
    ) {
        time = Self.now
        self.call = call
        pid = credentials?.process
        uid = credentials?.user
        gid = credentials?.group
        user = credentials.map { Accounts.userName($0.user) }
        self.procedure = procedure
        self.arguments = arguments.mapValues {
            String(decoding: $0.utf8.prefix(Self.longestValue), as: UTF8.self)
        }
    }

    private static var now: String {
        Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// The same call, at its end.
    fileprivate func ended(_ refusal: String?) -> AuditEntry {
        var entry = self
        entry.time = Self.now
        entry.outcome = refusal == nil ? .done : .refused
        entry.reason = refusal
        return entry
    }

    /// As it is written.
    fileprivate var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(self)
        return data.map { String(decoding: $0, as: UTF8.self) }
            ?? "\(procedure) \(outcome.rawValue)"
    }
}

internal import Foundation
internal import LinuxIO
internal import Logging
internal import Synchronization

/// Who had what changed over the control socket: a line of JSON for each such call.
///
/// The lines go to a file of their own, where one is named, and else to the daemon's log.
final class AuditLog: Sendable {
    private let path: String?
    private let logger: Logger
    private let file: Mutex<DataFile?>

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

    /// Adds a line.
    func write(_ entry: AuditEntry) {
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

/// One call that was to change something.
struct AuditEntry: Encodable {
    /// The longest value of an argument that is kept, in bytes.
    private static let longestValue = 1024

    private let time: String
    private let pid: Int32?
    private let uid: UInt32?
    private let gid: UInt32?
    private let user: String?
    private let procedure: String
    private let arguments: [String: String]
    private let outcome: String
    private let reason: String?

    /// - Parameter refusal: why it was not done; nil when it was.
    init(
        _ procedure: String, _ arguments: [String: String], by credentials: PeerCredentials?,
        refusal: String?
    ) {
        time = Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        pid = credentials?.process
        uid = credentials?.user
        gid = credentials?.group
        user = credentials.map { Accounts.userName($0.user) }
        self.procedure = procedure
        self.arguments = arguments.mapValues {
            String(decoding: $0.utf8.prefix(Self.longestValue), as: UTF8.self)
        }
        outcome = refusal == nil ? "done" : "refused"
        reason = refusal
    }

    /// As it is written.
    fileprivate var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(self)
        return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(procedure) \(outcome)"
    }
}

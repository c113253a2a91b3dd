internal import LinuxIO

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
    private let comm: String?
    private let exe: String?
    private let procedure: String
    private let arguments: [String: String]
    private var outcome = Outcome.begun
    private var reason: String?
    /// Refusals before this one that have no line, because there were too many.
    private var unwritten: Int?

    init(
        _ procedure: String, _ arguments: [String: String], by credentials: PeerCredentials?,
        call: String
    ) {
        time = Moment.text()
        self.call = call
        pid = credentials?.process
        uid = credentials?.user
        gid = credentials?.group
        user = credentials.map { Accounts.userName($0.user) }
        comm = credentials.flatMap { ProcessName.of($0.process) }
        exe = credentials.map { ProcessName.executable(of: $0.process) }
        self.procedure = procedure
        self.arguments = arguments.mapValues {
            String(decoding: $0.utf8.prefix(Self.longestValue), as: UTF8.self)
        }
    }

    /// The same call, at its end.
    func ended(_ refusal: String?, unwritten: Int = 0) -> AuditEntry {
        var entry = self
        entry.time = Moment.text()
        entry.outcome = refusal == nil ? .done : .refused
        entry.reason = refusal
        entry.unwritten = unwritten == 0 ? nil : unwritten
        return entry
    }

    /// As it is written.
    var line: String { (try? JSONLine.text(self)) ?? "\(procedure) \(outcome.rawValue)" }
}

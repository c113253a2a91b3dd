/// How a test's daemon has its clients log in by SASL.
public struct SASLSetup: Sendable {
    /// The mechanisms that it offers, such as `SCRAM-SHA-256`; Cyrus SASL needs a module for each.
    public var mechanisms: [String]
    /// The users and their passwords.
    public var users: [String: String]

    /// Sets both.
    public init(mechanisms: [String], users: [String: String]) {
        self.mechanisms = mechanisms
        self.users = users
    }

    /// As the daemon's start script takes it: the list of mechanisms, then names and passwords in turn.
    var arguments: [String] {
        [mechanisms.joined(separator: " ")] + users.flatMap { [$0.key, $0.value] }
    }
}

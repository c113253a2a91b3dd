/// Slows down who guesses secrets, each user of this host apart: nobody can use up another's guesses.
///
/// A user has so many wrong ones at once, and gets one back after each pause.
struct GuessLimit {
    private struct Account {
        /// Wrong secrets that count still, at the time of `last`.
        var wrong: Double
        var last: ContinuousClock.Instant
    }

    /// Users that are kept in mind; the system has few that can open the socket.
    private static let mostUsers = 1024

    private let burst: Int
    private let pause: Duration
    /// By user; nil stands for all whom the kernel does not name.
    private var accounts: [UInt32?: Account] = [:]

    init(burst: Int, pause: Duration) {
        self.burst = max(burst, 1)
        self.pause = max(pause, .nanoseconds(1))
    }

    /// How many users are kept in mind.
    var userCount: Int { accounts.count }

    /// Why the user's next secret is not looked at; nil when it is.
    func problem(of user: UInt32?, at now: ContinuousClock.Instant) -> DisconnectReason? {
        guard wrong(user, at: now) > Double(burst - 1) else { return nil }
        let name = user.map { "user \($0)" } ?? "a user that the kernel does not name"
        return DisconnectReason(
            .limitExceeded, "\(name) has shown \(burst) wrong secrets and must wait \(pause)")
    }

    /// Counts a wrong secret.
    mutating func count(_ user: UInt32?, at now: ContinuousClock.Instant) {
        if accounts.count >= Self.mostUsers { forgetPardoned(at: now) }
        accounts[user] = Account(wrong: wrong(user, at: now) + 1, last: now)
    }

    private func wrong(_ user: UInt32?, at now: ContinuousClock.Instant) -> Double {
        guard let account = accounts[user] else { return 0 }
        return max(account.wrong - account.last.duration(to: now) / pause, 0)
    }

    private mutating func forgetPardoned(at now: ContinuousClock.Instant) {
        for user in accounts.keys where wrong(user, at: now) == 0 { accounts[user] = nil }
    }
}

import Memif
import Testing

/// Waits for a condition, with a limit that is generous: the machine may have two cores and other work. The
/// last look comes after the limit, for the same reason.
func eventually(
    within limit: Duration = .seconds(30), sourceLocation: SourceLocation = #_sourceLocation,
    _ what: String, _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        let isLast = clock.now >= end
        if try await condition() { return }
        if isLast {
            Issue.record("gave up waiting until \(what)", sourceLocation: sourceLocation)
            throw GaveUp()
        }
        try await clock.sleep(until: clock.now + .milliseconds(2), tolerance: nil)
    }
}

struct GaveUp: Error {}

extension MasterSocket.Options {
    /// The usual options, but for a handshake that other tests may hold up, and for crowds of peers that are
    /// all of the one user that the tests run as.
    static var patient: MasterSocket.Options {
        var options = MasterSocket.Options()
        options.handshakeTimeout = .seconds(120)
        options.mostPendingPerUser = options.mostPending
        return options
    }
}

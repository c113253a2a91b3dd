/// Looks for something until it is there, for so long.
///
/// The last look comes after the limit: a machine that is busy with other things may leave no time for
/// another one before it, and what came meanwhile is there all the same.
///
/// - Returns: nil when it was not there, and when the task is cancelled.
func look<Value: ~Copyable, Failure: Error>(
    within limit: Duration, for find: () throws(Failure) -> Value?
) async throws(Failure) -> Value? {
    let end = ContinuousClock.now + limit
    while true {
        let isLast = ContinuousClock.now >= end || Task.isCancelled
        if let found = try find() { return found }
        if isLast { return nil }
        try? await Task.sleep(for: .milliseconds(1))
    }
}

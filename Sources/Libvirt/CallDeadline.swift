/// The time by which the calls of a task are to have ended.
enum CallDeadline {
    @TaskLocal static var current: ContinuousClock.Instant?

    /// The earlier one of the task's and a call's own; nil where there is neither.
    static func earliest(_ own: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
        guard let current else { return own }
        return own.map { min($0, current) } ?? current
    }
}

extension Connection {
    /// Limits the time of every call that is made within, over any connection, in this task and its child
    /// tasks. Of several deadlines the earliest counts.
    ///
    /// A call that is too late throws ``LibvirtError/Kind/call(_:)``, which says whether it may have run.
    /// The opening of connections and streams is limited too; data that a stream carries is not.
    ///
    /// - Throws: what `body` throws.
    public static func withDeadline<Value, Failure>(
        _ deadline: ContinuousClock.Instant, _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        try await CallDeadline.$current.with(CallDeadline.earliest(deadline), body)
    }
}

extension TaskLocal where Value: Sendable {
    /// As `withValue`, with the errors of the body.
    func with<Outcome, Failure>(
        _ value: Value, _ body: () async throws(Failure) -> Outcome
    ) async throws(Failure) -> Outcome {
        try await withValue(value) { () -> Result<Outcome, Failure> in
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }.get()
    }
}

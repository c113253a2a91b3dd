/// What a suspended call waits on: resumed exactly once, which Swift checks.
typealias OneShot<Value> = CheckedContinuation<Value, Never>

/// Suspends the task until the continuation that `body` is given is resumed.
func withOneShot<Value: Sendable>(
    of type: Value.Type = Value.self, isolation: isolated (any Actor)? = #isolation,
    _ body: (OneShot<Value>) -> Void
) async -> Value {
    await withCheckedContinuation(isolation: isolation) { body($0) }
}

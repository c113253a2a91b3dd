/// Waits for what nobody tells of, and looks again each millisecond; until a deadline only, because what is
/// waited for may hang.
///
/// - Returns: whether it is so.
func wait(until deadline: ContinuousClock.Instant, for isSo: () -> Bool) async -> Bool {
    while !isSo() {
        guard ContinuousClock.now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(1))
    }
    return true
}

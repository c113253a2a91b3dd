/// What the lists of one connection say of which domains there are: enough to tell a domain that is
/// gone from one that libvirt has not loaded yet.
///
/// A domain that a connection has shown once and does not know any more is gone. One that was never
/// shown is gone when two lists of the connection, a grace apart, both lack it.
struct PresenceLedger {
    private var seen: Set<VMIdentifier> = []
    private var missing: [VMIdentifier: ContinuousClock.Instant] = [:]
    private let grace: Duration

    /// How many domains have been seen and not forgotten.
    var count: Int { seen.count }

    init(grace: Duration) {
        self.grace = grace
    }

    /// A new connection: what an earlier one showed proves nothing.
    mutating func reset() {
        seen = []
        missing = [:]
    }

    /// A domain that has been seen on this connection.
    mutating func saw(_ vm: VMIdentifier) {
        seen.insert(vm)
        missing[vm] = nil
    }

    /// A domain that is known from before, and that a look or a list lacked.
    ///
    /// - Returns: nil when it is gone; else how long until the next look tells.
    mutating func lacked(_ vm: VMIdentifier, now: ContinuousClock.Instant) -> Duration? {
        if seen.contains(vm) { return nil }
        let first = missing[vm] ?? now
        missing[vm] = first
        let left = first + grace - now
        return left > .zero ? left : nil
    }

    /// Forgets a domain of which nothing is left.
    mutating func forget(_ vm: VMIdentifier) {
        seen.remove(vm)
        missing[vm] = nil
    }
}

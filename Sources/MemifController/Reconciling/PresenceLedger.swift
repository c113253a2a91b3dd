/// What the lists of one connection say of which domains there are: enough to tell a domain that is
/// gone from one that libvirt has not loaded yet, and from one that is back in a moment.
///
/// A domain that a connection has shown once and does not know any more is not there. One that was never
/// shown is not there when two lists of the connection, a grace apart, both lack it. Either is gone for good
/// when it has been missing for the grace: who changes a domain may undefine it and define it again.
struct PresenceLedger {
    /// What is known of a domain that was not found.
    enum Absence: Sendable, Hashable {
        /// libvirt may be loading it. The next look that tells comes after this long.
        case unsure(Duration)
        /// It is not there, and may be back within this long.
        case missing(Duration)
        /// It is gone for good.
        case gone

        /// How long until the next look tells; nil when this one has.
        var left: Duration? {
            switch self {
            case .unsure(let left), .missing(let left): left
            case .gone: nil
            }
        }
    }

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
    mutating func lacked(_ vm: VMIdentifier, now: ContinuousClock.Instant) -> Absence {
        let first = missing[vm] ?? now
        missing[vm] = first
        let left = first + grace - now
        guard left > .zero else { return .gone }
        return seen.contains(vm) ? .missing(left) : .unsure(left)
    }

    /// Forgets a domain of which nothing is left.
    mutating func forget(_ vm: VMIdentifier) {
        seen.remove(vm)
        missing[vm] = nil
    }
}

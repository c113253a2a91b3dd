/// What a controller has done since it began, for an operator's graphs.
public struct ControllerStatistics: Sendable, Hashable {
    /// How a look at a domain ended.
    public enum LookResult: String, Sendable, Hashable, CaseIterable {
        /// All is as wanted.
        case settled
        /// Something failed, and is tried again.
        case failed
        /// libvirt could not be asked.
        case unavailable
    }

    /// Connections to libvirt that came up.
    public internal(set) var connects: UInt64 = 0
    /// Times that events may have been lost.
    public internal(set) var gaps: UInt64 = 0
    /// Events that told of a change.
    public var events: UInt64 { causes.values.reduce(0, +) }
    /// The same by what has happened.
    public private(set) var causes: [EventCause: UInt64] = [:]
    /// When the last one came, in seconds since 1970; 0 before the first.
    public internal(set) var lastEvent: Double = 0
    /// Looks, by how they ended.
    public internal(set) var looks: [LookResult: UInt64] = [:]
    /// How long looks took.
    public internal(set) var lookTimes = DurationHistogram()
    /// From the first notice of a port until its socket listened.
    public internal(set) var provisionTimes = DurationHistogram()
    /// Domains that wait to be looked at.
    public internal(set) var queueDepth = 0
    /// Seconds that the longest of the looks under way has lasted.
    public internal(set) var longestLook: Double = 0
    /// Seconds that the domain which has waited longest has waited for a look.
    public internal(set) var longestWait: Double = 0
    /// From a domain's start to the first link of each of its ports.
    public internal(set) var connectTimes = DurationHistogram()
    /// Domains that there are, by how they were when they were last looked at.
    public internal(set) var domains: [DomainPhase.Name: Int] = [:]
    /// Seconds that the domain has been on its way up that has been longest.
    public internal(set) var oldestStart: Double = 0
    /// Domains of which an earlier process had left something, that are no longer there, and of which
    /// nothing is left now.
    public internal(set) var orphansRemoved: UInt64 = 0

    init() {}

    /// The most kinds of events that are told apart: a graph has a line for each.
    private static let mostCauses = 128

    mutating func add(_ cause: EventCause) {
        let isKnown = causes[cause] != nil || causes.count < Self.mostCauses
        causes[isKnown ? cause : EventCause("other"), default: 0] += 1
    }
}

/// Durations counted by how long they were.
public struct DurationHistogram: Sendable, Hashable {
    /// The upper ends of the buckets, in seconds; one more bucket has the rest.
    public static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60,
    ]

    /// How many fell into each bucket, the last one without an upper end.
    public private(set) var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// The sum of all, in seconds.
    public private(set) var sum: Double = 0

    init() {}

    /// How many there were.
    public var count: UInt64 { counts.reduce(0, +) }

    mutating func add(_ duration: Duration) {
        let seconds = duration / .seconds(1)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }
}

internal import Foundation
internal import Memif

/// What a bench found.
struct BenchReport: Encodable {
    let mode: String
    let role: String
    let packets: UInt64
    let bytes: UInt64
    let seconds: Double
    let megapacketsPerSecond: Double
    let drops: UInt64
    /// The round trips of a ping.
    let roundTrips: RoundTrips?
    /// Why the link ended before its time.
    let end: String?

    enum CodingKeys: String, CodingKey {
        case mode, role, packets, bytes, seconds, drops, end
        case megapacketsPerSecond = "Mpps"
        case roundTrips = "round_trips"
    }
}

/// How long answers took. Times are in microseconds.
struct RoundTrips: Encodable, Sendable {
    private(set) var count: UInt64 = 0
    var lost: UInt64 = 0
    private var least = Double.infinity
    private var most = 0.0
    private var sum = 0.0

    var mean: Double { count == 0 ? 0 : sum / Double(count) }

    mutating func add(_ time: Duration) {
        let microseconds = time.seconds * 1e6
        count += 1
        sum += microseconds
        least = min(least, microseconds)
        most = max(most, microseconds)
    }

    enum CodingKeys: String, CodingKey {
        case count, lost
        case least = "min_us"
        case mean = "mean_us"
        case most = "max_us"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(count, forKey: .count)
        try values.encode(lost, forKey: .lost)
        try values.encode(count == 0 ? 0 : least.rounded(to: 2), forKey: .least)
        try values.encode(mean.rounded(to: 2), forKey: .mean)
        try values.encode(most.rounded(to: 2), forKey: .most)
    }
}

extension Double {
    /// Rounded to a number of decimal places.
    func rounded(to places: Int) -> Double {
        let factor = pow(10, Double(places))
        return (self * factor).rounded() / factor
    }

    /// Written with a fixed number of decimal places.
    func fixed(_ places: Int) -> String { String(format: "%.\(places)f", self) }
}

extension Duration {
    /// In seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

internal import Memif

/// A rate in one direction, as it is printed each second.
struct RateRecord: Encodable {
    let packets: UInt64
    let bytes: UInt64
    let megapacketsPerSecond: Double
    let gigabitsPerSecond: Double

    enum CodingKeys: String, CodingKey {
        case packets, bytes
        case megapacketsPerSecond = "Mpps"
        case gigabitsPerSecond = "Gbit_s"
    }

    /// What passed within some seconds.
    init(packets: UInt64, bytes: UInt64, seconds: Double) {
        self.packets = packets
        self.bytes = bytes
        megapacketsPerSecond = (Double(packets) / seconds / 1e6).rounded(to: 4)
        gigabitsPerSecond = (Double(bytes) * 8 / seconds / 1e9).rounded(to: 4)
    }

    /// For people.
    var text: String {
        "\(megapacketsPerSecond.fixed(3)) Mpps  \(gigabitsPerSecond.fixed(3)) Gbit/s"
    }
}

/// Sleeps until each second is over, and calls back with the seconds since the one before and since the
/// start. Ends when the time is up, the task is cancelled, or the body says so.
func everySecond(
    for limit: Duration?, _ body: (_ seconds: Double, _ total: Double) throws -> Bool
) async throws {
    let start = ContinuousClock.now
    let end = limit.map { start + $0 }
    var last = start
    while true {
        let due = min(end ?? last + .seconds(1), last + .seconds(1))
        guard (try? await ContinuousClock().sleep(until: due)) != nil else { return }
        let now = ContinuousClock.now
        let goesOn = try body((now - last).seconds, (now - start).seconds)
        last = now
        if let end, now >= end { return }
        if !goesOn { return }
    }
}

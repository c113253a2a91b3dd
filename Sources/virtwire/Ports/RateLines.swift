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
        // No rate is infinite, though the first look may be at once.
        let seconds = max(seconds, 1e-9)
        self.packets = packets
        self.bytes = bytes
        megapacketsPerSecond = (Double(packets) / seconds / 1e6).rounded(to: 4)
        gigabitsPerSecond = (Double(bytes) * 8 / seconds / 1e9).rounded(to: 4)
    }

    /// What passed a link's queues from one look at their counters to the next.
    init(since last: QueueCounters, _ now: QueueCounters, seconds: Double) {
        self.init(
            packets: now.packets - last.packets, bytes: now.bytes - last.bytes, seconds: seconds)
    }

    /// For people.
    var text: String {
        "\(megapacketsPerSecond.fixed(3)) Mpps  \(gigabitsPerSecond.fixed(3)) Gbit/s"
    }
}

/// Calls back when each second is over, and when the time is, with the seconds since the call before and
/// since the start. Ends when the time is up, the task is cancelled, or nothing more is to come, which is
/// looked at in short steps; then, too, there is a call for what has passed.
func everySecond(
    for limit: Duration?, while mayGoOn: () -> Bool = { true },
    _ body: (_ seconds: Double, _ total: Double) throws -> Void
) async throws {
    let clock = ContinuousClock()
    let start = clock.now
    let end = limit.map { start + $0 }
    var last = start
    while mayGoOn() {
        let due = min(end ?? last + .seconds(1), last + .seconds(1))
        while clock.now < due, mayGoOn() {
            let step = min(due, clock.now + .milliseconds(20))
            guard (try? await clock.sleep(until: step)) != nil else { return }
        }
        let now = clock.now
        try body((now - last).seconds, (now - start).seconds)
        last = now
        if let end, now >= end { return }
    }
}

internal import ArgumentParser
internal import LinuxIO
internal import Memif
internal import Synchronization

struct PingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ping",
        abstract: "Ping an IPv4 address from one end of a link.",
        discussion: """
            Asks for its hardware address by ARP, then sends echo requests. Ends with 0 when any was \
            answered, with 1 when none was.
            """)

    @OptionGroup var memif: MemifOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The address to ping.")
    var address: String

    @Option(help: "The address to ping from.")
    var from = "192.0.2.254"

    @Option(help: "How many requests; without it until interrupted.")
    var count: Int?

    @Option(help: "Seconds from one request to the next.")
    var interval = 1.0

    @Option(help: "Bytes of each request, with its headers.")
    var size = 98

    @Option(help: "Seconds to wait for each answer.")
    var patience = 1.0

    @Option(help: "Seconds to wait for the peer; without it without end.")
    var wait: Double?

    func validate() throws {
        guard IPv4Address(address) != nil else {
            throw ValidationError("'\(address)' is no IPv4 address: write one such as 192.0.2.1")
        }
        guard IPv4Address(from) != nil else {
            throw ValidationError("--from is an IPv4 address such as 192.0.2.254")
        }
        guard count.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--count is 1 request or more")
        }
        guard interval == 0 || (0...1_000_000).contains(interval) else {
            throw ValidationError("--interval is 0 to 1000000 seconds")
        }
        guard (42...65_535).contains(size) else {
            throw ValidationError("--size is 42 to 65535 bytes")
        }
        try TimeLimit.check(patience, "--patience")
        try TimeLimit.check(wait, "--wait")
    }

    func run() async throws {
        guard let target = IPv4Address(address), let own = IPv4Address(from) else { return }
        let open = try memif.open(
            try memif.configuration(), reconnect: wait.map { _ in ReconnectPolicy() })
        defer { open.close() }
        let link = try await memif.link(of: open.interface, within: wait)
        let pinger = Pinger(
            from: own, to: target, byteCount: size, count: count, interval: .seconds(interval),
            patience: .seconds(patience), format: output.format)
        let result = try await withTaskCancellationHandler {
            try await pinger.run(on: link)
        } onCancel: {
            pinger.stop()
        }
        let trips = result.trips
        try output.format.line(
            trips,
            "\(trips.count + trips.lost) requests, \(trips.count) answers, \(trips.lost) lost, "
                + "mean round trip \(trips.mean.fixed(1)) us")
        if let end = result.end { throw CommandFailure(.failed, "\(end)") }
        if trips.count == 0 {
            throw CommandFailure(.failed, "no answer from \(target): does it live on this link?")
        }
    }
}

/// Sends one request after the other, on a thread of its own.
private final class Pinger: Sendable {
    struct Outcome: Sendable {
        var trips = RoundTrips()
        var end: LinkEnd?
    }

    private struct Answer: Encodable {
        let sequence: UInt16
        /// In microseconds.
        let time: Double

        enum CodingKeys: String, CodingKey {
            case sequence
            case time = "time_us"
        }
    }

    private let from: IPv4Address
    private let to: IPv4Address
    private let byteCount: Int
    private let count: Int?
    private let interval: Duration
    private let patience: Duration
    private let format: OutputFormat
    private let isStopping = Atomic(false)

    init(
        from: IPv4Address, to: IPv4Address, byteCount: Int, count: Int?, interval: Duration,
        patience: Duration, format: OutputFormat
    ) {
        self.from = from
        self.to = to
        self.byteCount = byteCount
        self.count = count
        self.interval = interval
        self.patience = patience
        self.format = format
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }

    private var mayGoOn: Bool { !isStopping.load(ordering: .relaxed) }

    func run(on link: MemifLink) async throws -> Outcome {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try Thread.start(name: "ping") { [self] in
                    var outcome = Outcome()
                    do {
                        try ping(link, &outcome)
                    } catch let end as LinkEnd {
                        outcome.end = end
                    } catch {
                        return continuation.resume(throwing: error)
                    }
                    continuation.resume(returning: outcome)
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }

    private func ping(_ link: MemifLink, _ outcome: inout Outcome) throws {
        guard var receiving = try ReceivingQueues.take(of: link),
            var sending = link.takeTransmitQueue(0)
        else { return }
        var neighbour: MACAddress?
        var asked = 0
        var due = ContinuousClock.now
        while mayGoOn, count.map({ asked < $0 }) ?? true {
            try receiving.discard(until: due) { mayGoOn }
            due = ContinuousClock.now + interval
            asked += 1
            let number = UInt16(truncatingIfNeeded: asked)
            if neighbour == nil {
                neighbour = try exchange(Frames.whoHas(to, from), &sending, &receiving) {
                    Frames.hardwareAddress(inReply: $0, for: to)
                }
            }
            guard let neighbour else {
                outcome.trips.lost += 1
                continue
            }
            let echo = Echo(from: from, to: to, at: neighbour, number: number)
            let start = ContinuousClock.now
            let request = Frames.echoRequest(echo, byteCount: byteCount)
            let time = try exchange(request, &sending, &receiving) { frame in
                Frames.isReply(frame, to: echo) ? ContinuousClock.now - start : nil
            }
            guard let time else {
                if mayGoOn { outcome.trips.lost += 1 }
                continue
            }
            outcome.trips.add(time)
            try write(Answer(sequence: number, time: (time.seconds * 1e6).rounded(to: 1)))
        }
    }

    private func write(_ answer: Answer) throws {
        try format.line(
            answer,
            "\(byteCount) bytes from \(to): seq=\(answer.sequence) time=\(answer.time) us")
    }

    /// Sends a frame and passes what comes back to a closure until it finds what it looks for.
    private func exchange<Found>(
        _ frame: [UInt8], _ sending: inout TransmitQueue, _ receiving: inout ReceivingQueues,
        _ find: ([UInt8]) -> Found?
    ) throws(LinkEnd) -> Found? {
        var batch = FrameBatch(frameCapacity: 1, byteCapacity: frame.count)
        batch.append(frame)
        _ = try sending.transmitBurst(batch)
        return try receiving.find(
            until: ContinuousClock.now + patience, while: { mayGoOn }, find)
    }
}

internal import ArgumentParser
internal import Memif

struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Send, receive, echo or ping at one end of a link, and count.",
        discussion: """
            Prints the rate of each second, and in the end one JSON object: packets, bytes, seconds, \
            Mpps, drops; for ping the round trips as well. With --format json the rates are objects too.
            """)

    @OptionGroup var memif: MemifOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "What to do with frames.")
    var mode: BenchMode

    @Option(help: "Bytes of each frame to send.")
    var size = 64

    @Option(help: "Frames in a burst.")
    var burst = 256

    @Option(help: "As a slave: queues to offer in each direction.")
    var queues = 1

    @Option(help: "As a slave: slots of each ring, a power of two.")
    var ringSize = 1024

    @Option(help: "Seconds to run; without it until interrupted.")
    var seconds: Double?

    @Option(help: "Seconds to wait for the peer; without it without end.")
    var wait: Double?

    @Option(help: "Pin the first queue's thread to this CPU, the next one's to the next.")
    var cpu: Int?

    @Option(help: "ping: the IPv4 address to ping. Without it any frame that comes back counts.")
    var to: String?

    @Option(help: "ping: the IPv4 address to ping from.")
    var from = "192.0.2.254"

    @Option(help: "ping: milliseconds from an answer to the next question.")
    var interval = 0

    func validate() throws {
        func check(_ isRight: Bool, _ sentence: String) throws {
            if !isRight { throw ValidationError(sentence) }
        }
        try check((1...65_535).contains(size), "--size is 1 to 65535 bytes")
        try check((1...65_536).contains(burst), "--burst is 1 to 65536 frames")
        try check((1...255).contains(queues), "--queues is 1 to 255")
        try check(
            (2...16_384).contains(ringSize) && ringSize.nonzeroBitCount == 1,
            "--ring-size is a power of two from 2 to 16384")
        try TimeLimit.check(seconds, "--seconds")
        try TimeLimit.check(wait, "--wait")
        try check((0...3_600_000).contains(interval), "--interval is 0 to 3600000 milliseconds")
        try check(cpu.map { (0...65_535).contains($0) } ?? true, "--cpu is 0 to 65535")
        try check(IPv4Address(from) != nil, "--from is an IPv4 address such as 192.0.2.254")
        try check(to.map { IPv4Address($0) != nil } ?? true, "--to is an IPv4 address")
    }

    func run() async throws {
        var configuration = try memif.configuration()
        configuration.queues = QueueCounts(pairs: queues)
        configuration.ringSize = ringSize
        let open = try memif.open(configuration, reconnect: wait.map { _ in ReconnectPolicy() })
        defer { open.close() }
        let link = try await memif.link(of: open.interface, within: wait)
        let plan = BenchPlan(
            mode: mode, frameSize: size, burst: burst, cpu: cpu, question: try question(),
            interval: .milliseconds(interval), format: output.format)
        let report = try await Bench(plan, link).run(for: seconds.map { .seconds($0) })
        try StandardOutput.json(report)
        if let end = report.end {
            // A peer that leaves is an end like another, unless it came before the time asked for.
            guard seconds == nil else { throw CommandFailure(.failed, end) }
            StandardOutput.say(end)
        }
    }

    private func question() throws -> Question {
        guard let to = to.flatMap({ IPv4Address($0) }), let from = IPv4Address(from) else {
            return .anyFrame
        }
        return .ping(from: from, to: to)
    }
}

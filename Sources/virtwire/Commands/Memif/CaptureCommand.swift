internal import ArgumentParser
internal import LinuxIO
internal import Memif

struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Be one end of a link and write what comes to a file, for tcpdump and Wireshark.",
        discussion: """
            Prints the rate of each second. Whatever the peer had sent when the capture ended, interrupted \
            or not, is in the file. With --format json the rates are objects, and so is the sum in the end. \
            What passes between two others is captured by a bridge between them: virtwire memif \
            bridge --capture FILE.
            """)

    @OptionGroup var memif: MemifOptions
    @OptionGroup var output: OutputOptions

    @Argument(help: "The file, in place of one that is there; - is the standard output.")
    var file: String

    @Option(help: "End after so many frames.")
    var count: UInt64?

    @Option(help: "Seconds to run; without it until interrupted, or until the link is over.")
    var seconds: Double?

    @Option(help: "Seconds to wait for the peer; without it without end.")
    var wait: Double?

    func validate() throws {
        if file.isEmpty { throw ValidationError("the file has no name") }
        if file == "-", output.format == .json {
            throw ValidationError("--format json needs the standard output for itself: name a file")
        }
        if count == 0 { throw ValidationError("--count is 1 frame or more") }
        try TimeLimit.check(seconds, "--seconds")
        try TimeLimit.check(wait, "--wait")
    }

    func run() async throws {
        let configuration = try memif.configuration()
        let pcap = try PcapFile(file, mode: configuration.mode, mostFrames: count)
        defer { pcap.close() }
        let open = try memif.open(configuration, reconnect: wait.map { _ in ReconnectPolicy() })
        defer { open.close() }
        let link = try await memif.link(of: open.interface, within: wait)
        async let reading: Void = Self.read(link, into: pcap)
        let start = ContinuousClock.now
        var problem: (any Error)?
        do { try await printRates(of: link, into: pcap) } catch { problem = error }
        let end = link.end
        // What is in the rings by now is still read.
        open.close()
        try await reading
        if let problem = pcap.failure ?? problem { throw problem }
        try report(
            CaptureReport(
                file: file, written: pcap.written, start: start, drops: link.received.drops,
                end: end))
    }

    /// Until enough is written, the time is up, nobody reads the rates, or the link is over.
    private func printRates(of link: MemifLink, into pcap: PcapFile) async throws {
        var last = pcap.written
        try await everySecond(
            for: seconds.map { .seconds($0) },
            while: { link.isUp && !pcap.isFull && pcap.failure == nil }
        ) { seconds, total in
            // The frames themselves stand there.
            if file == "-" { return }
            let now = pcap.written
            let rate = RateRecord(
                packets: now.frames - last.frames, bytes: now.bytes - last.bytes, seconds: seconds)
            try output.format.line(
                BenchSecond.Passed(seconds: total.rounded(to: 3), rate: rate),
                "\(total.fixed(1)) s  \(rate.packets) frames  \(rate.text)")
            last = now
        }
    }

    /// Reads all queues, each on a thread of its own, until the link is over and nothing is left in the rings.
    private static func read(_ link: MemifLink, into pcap: PcapFile) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<link.receiveQueueCount {
                group.addTask {
                    try await Thread.perform(name: "capture-\(index)") {
                        guard
                            var queue = link.takeReceiveQueue(
                                index, mode: .adaptive(spinning: .microseconds(20)))
                        else { return }
                        var frames = FrameBatch()
                        while let count = try? queue.receiveBurst(into: &frames) {
                            if count > 0 { pcap.write(frames) } else { _ = queue.waitForFrames() }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func report(_ report: CaptureReport) throws {
        if output.format == .json { try StandardOutput.json(report) }
        if let end = report.end { StandardOutput.say(end) }
        StandardOutput.say("\(report.packets) frames in \(file)")
    }
}

/// What a capture has written.
private struct CaptureReport: Encodable {
    let file: String
    let packets: UInt64
    let bytes: UInt64
    let seconds: Double
    let drops: UInt64
    /// Why the link ended before its time.
    let end: String?

    init(
        file: String, written: PcapFile.Written, start: ContinuousClock.Instant, drops: UInt64,
        end: LinkEnd?
    ) {
        self.file = file
        packets = written.frames
        bytes = written.bytes
        seconds = (ContinuousClock.now - start).seconds.rounded(to: 3)
        self.drops = drops
        self.end = end.map(\.description)
    }
}

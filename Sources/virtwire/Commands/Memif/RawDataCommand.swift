internal import ArgumentParser
internal import LinuxIO
internal import Memif
internal import Synchronization

struct RawDataCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "raw-data",
        abstract: "Send a frame every few seconds, and print those that come.")

    @OptionGroup var memif: MemifOptions
    @OptionGroup var output: OutputOptions

    @Option(help: "Seconds from one frame to the next; 0 sends none.")
    var interval = 2.0

    @Option(help: "What to send, as text. Without it a numbered frame.")
    var text: String?

    @Option(help: "Bytes of a numbered frame.")
    var size = 64

    @Option(help: "End after so many frames have come.")
    var count: Int?

    @Option(help: "Seconds to wait for the peer; without it without end.")
    var wait: Double?

    func validate() throws {
        guard interval == 0 || (0.001...1_000_000).contains(interval) else {
            throw ValidationError("--interval is 0, or 0.001 to 1000000 seconds")
        }
        guard (16...65_535).contains(size) else {
            throw ValidationError("--size is 16 to 65535 bytes")
        }
        guard text.map({ (1...65_535).contains($0.utf8.count) }) ?? true else {
            throw ValidationError("--text has 1 to 65535 bytes")
        }
        guard count.map({ $0 > 0 }) ?? true else {
            throw ValidationError("--count is 1 frame or more")
        }
        try TimeLimit.check(wait, "--wait")
    }

    func run() async throws {
        let open = try memif.open(
            try memif.configuration(), reconnect: wait.map { _ in ReconnectPolicy() })
        defer { open.close() }
        let link = try await memif.link(of: open.interface, within: wait)
        StandardOutput.say("link up: \(link.terms.peerName)")
        let outlet = MemifOutlet()
        outlet.use(link)
        let worker = try PacketWorker.start()
        defer { worker.stop() }
        let printing = Printing(format: output.format, most: count)
        worker.attach(link, printing)
        var next = ContinuousClock.now
        var number: UInt16 = 0
        while link.isUp, !printing.isDone {
            if interval > 0, ContinuousClock.now >= next {
                send(number, on: outlet)
                number &+= 1
                next += .seconds(interval)
            }
            guard (try? await ContinuousClock().sleep(for: .milliseconds(5))) != nil else { return }
        }
        if let end = link.end, !printing.isDone {
            // A peer that leaves is an end like another, unless more was asked for.
            guard count == nil else { throw CommandFailure(.failed, "\(end)") }
            StandardOutput.say("\(end)")
        }
    }

    private func send(_ number: UInt16, on outlet: MemifOutlet) {
        let frame = text.map { Array($0.utf8) } ?? Frames.plain(byteCount: size, number: number)
        var batch = FrameBatch(frameCapacity: 1, byteCapacity: 65_536)
        batch.append(frame)
        if outlet.send(batch) == 0 { StandardOutput.say("the ring is full: a frame was not sent") }
    }
}

/// Prints every frame, on the worker's thread.
private final class Printing: PacketHandler {
    private struct Record: Encodable {
        let bytes: Int
        let hex: String
    }

    private let format: OutputFormat
    private let most: Int?
    private let state = Mutex((count: 0, isClosed: false))

    init(format: OutputFormat, most: Int?) {
        self.format = format
        self.most = most
    }

    /// Whether as many have come as were wanted, or nobody reads them.
    var isDone: Bool {
        state.withLock { state in state.isClosed || most.map { state.count >= $0 } ?? false }
    }

    func handle(_ frames: inout FrameBatch) {
        for index in 0..<frames.count where !isDone {
            let bytes = frames.bytes(of: index)
            let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            do {
                try format.line(
                    Record(bytes: bytes.count, hex: hex.joined()),
                    "\(bytes.count) bytes: \(hex.joined(separator: " "))")
                state.withLock { $0.count += 1 }
            } catch {
                state.withLock { $0.isClosed = true }
            }
        }
        frames.removeAll()
    }
}

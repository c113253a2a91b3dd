internal import ArgumentParser
internal import LinuxIO
internal import Memif
internal import Synchronization

struct BridgeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bridge",
        abstract: "Pass frames between two ports: memif links, or a TAP device of this host.",
        discussion: """
            A port is \(PortSpec.forms). It runs until interrupted, through every reconnect, and \
            prints the rates of each second. Frames for a port that is not there are lost and counted.
            """)

    @Option(help: "One port.")
    var a: String

    @Option(help: "The other.")
    var b: String

    @Option(help: "Write all frames to this file as well, for tcpdump and Wireshark.")
    var capture: String?

    @Option(help: "Seconds to run; without it until interrupted.")
    var seconds: Double?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        let (a, b) = (try PortSpec(a), try PortSpec(b))
        if a == b { throw ValidationError("--a and --b are the same port: name two") }
        if capture?.isEmpty == true { throw ValidationError("--capture names no file") }
        try TimeLimit.check(seconds, "--seconds")
    }

    func run() async throws {
        let file = try capture.map { try PcapFile($0) }
        let ports = (a: try OpenPort(PortSpec(a)), b: try OpenPort(PortSpec(b)))
        let worker = try PacketWorker.start()
        let (there, back) = (BridgeCounter(), BridgeCounter())
        defer {
            ports.a.close()
            ports.b.close()
            worker.stop()
            file?.close()
        }
        let say: @Sendable (String) -> Void = { StandardOutput.say($0) }
        try ports.a.start(on: worker, say) { frames in
            // First, so that the file has whatever went on.
            file?.write(frames)
            there.count(frames, sent: ports.b.outlet.send(frames))
        }
        try ports.b.start(on: worker, say) { frames in
            file?.write(frames)
            back.count(frames, sent: ports.a.outlet.send(frames))
        }
        StandardOutput.say("bridging \(ports.a.title) and \(ports.b.title)")
        var last = (there.value, back.value)
        try await everySecond(for: seconds.map { .seconds($0) }) { seconds, total in
            let now = (there.value, back.value)
            try write(
                BridgeRecord(
                    seconds: total.rounded(to: 3), there: now.0.rate(since: last.0, seconds),
                    back: now.1.rate(since: last.1, seconds), drops: now.0.drops + now.1.drops))
            last = now
            if let failure = file?.failure ?? ports.a.failure ?? ports.b.failure {
                throw failure
            }
        }
    }

    private func write(_ record: BridgeRecord) throws {
        try output.format.line(
            record,
            "\(record.seconds.fixed(1)) s  "
                + "a to b: \(record.there.packets) frames  \(record.there.text)  "
                + "b to a: \(record.back.packets) frames  \(record.back.text)  "
                + "lost: \(record.drops)")
    }
}

/// A second of a bridge.
private struct BridgeRecord: Encodable {
    let seconds: Double
    let there: RateRecord
    let back: RateRecord
    /// Frames lost since the start.
    let drops: UInt64

    enum CodingKeys: String, CodingKey {
        case seconds, drops
        case there = "a_to_b"
        case back = "b_to_a"
    }
}

/// What passed in one direction.
private final class BridgeCounter: Sendable {
    private let state = Mutex(PortCounters())

    var value: PortCounters { state.withLock { $0 } }

    func count(_ frames: borrowing FrameBatch, sent: Int) {
        var bytes = 0
        for index in 0..<frames.count { bytes += frames.byteCount(of: index) }
        let (packets, lost) = (frames.count, frames.count - sent)
        let total = UInt64(bytes)
        state.withLock { state in
            state.packets += UInt64(packets)
            state.bytes += total
            state.drops += UInt64(lost)
        }
    }
}

extension PortCounters {
    fileprivate func rate(since last: PortCounters, _ seconds: Double) -> RateRecord {
        RateRecord(
            packets: packets - last.packets, bytes: bytes - last.bytes, seconds: seconds)
    }
}

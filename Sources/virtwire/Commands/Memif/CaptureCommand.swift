internal import ArgumentParser
internal import LinuxIO
internal import Memif

struct CaptureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capture",
        abstract: "Be one end of a link and write what comes to a file, for tcpdump and Wireshark.",
        discussion: """
            What passes between two others is captured by a bridge between them: virtwire memif \
            bridge --capture FILE.
            """)

    @OptionGroup var memif: MemifOptions

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
        let worker = try PacketWorker.start()
        defer { worker.stop() }
        worker.attach(link, Capturing(file: pcap))
        let end = seconds.map { ContinuousClock.now + .seconds($0) }
        while link.isUp, !pcap.isFull, pcap.failure == nil, end.map({ .now < $0 }) ?? true {
            guard (try? await ContinuousClock().sleep(for: .milliseconds(20))) != nil else { break }
        }
        if let failure = pcap.failure { throw failure }
        StandardOutput.say("\(pcap.frames) frames in \(file)")
    }
}

private struct Capturing: PacketHandler {
    let file: PcapFile

    func handle(_ frames: inout FrameBatch) {
        file.write(frames)
        frames.removeAll()
    }
}

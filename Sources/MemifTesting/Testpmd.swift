public import LinuxIO
public import Memif

/// A real `dpdk-testpmd` with one memif port: the peer that does not share our mistakes.
///
/// It runs without huge pages and needs no rights but to its socket's directory. Its forwarding thread
/// polls: expect it to take a whole core.
public final class Testpmd: Sendable {
    /// What it does with frames.
    public enum Forwarding: String, Sendable, CaseIterable {
        /// Receives and drops.
        case receive = "rxonly"
        /// Sends frames of its own as fast as it can.
        case transmit = "txonly"
        /// Sends every frame back as it came.
        case echo = "io"
        /// Sends every frame back with its two hardware addresses exchanged.
        case swapAddresses = "macswap"
        /// Answers ARP requests and pings.
        case answer = "icmpecho"
    }

    /// How to start it.
    public struct Options: Sendable {
        /// Its role; a master is what DPDK calls server.
        public var role: MemifRole
        /// The socket's path.
        public var path: String
        /// The interface's id.
        public var id: UInt32 = 0
        /// The secret, at most 23 bytes.
        public var secret: String?
        /// What it does.
        public var forwarding = Forwarding.receive
        /// Queues in each direction.
        public var queues = 1
        /// Slots of each ring as a power of two; as a slave.
        public var log2RingSize = 10
        /// Bytes of each buffer; as a slave.
        public var bufferSize = 2048
        /// The length of the frames that it sends of its own accord, in bytes.
        public var packetSize = 64
        /// Frames in a burst.
        public var burst = 32
        /// As a slave: whether frames stay where they are. Its regions are then not sealed.
        public var zeroCopy = false
        /// The CPU of its forwarding thread; nil lets the scheduler choose.
        public var cpu: Int?
        /// Further arguments after `--`.
        public var arguments: [String] = []

        /// The usual options.
        public init(_ role: MemifRole, path: String) {
            self.role = role
            self.path = path
        }
    }

    /// The counters of its port.
    public struct Statistics: Hashable, Sendable {
        /// Frames received.
        public var receivedPackets = 0
        /// Their bytes; known while it runs, not from its last words.
        public var receivedBytes = 0
        /// Frames sent.
        public var sentPackets = 0
        /// Their bytes; known while it runs, not from its last words.
        public var sentBytes = 0
    }

    private let process: ChildProcess

    /// Starts it. As a slave it needs its master to listen already, for it tries once.
    ///
    /// - Throws: `SystemError` when it cannot be started: install `dpdk-dev` and `librte-net-memif23`.
    public init(_ options: Options) async throws(SystemError) {
        process = try await ChildProcess(Self.commandLine(options))
    }

    /// The command line for some options.
    public static func commandLine(_ options: Options) -> [String] {
        let role = options.role == .master ? "server" : "client"
        var device = "net_memif0,role=\(role),id=\(options.id),socket=\(options.path)"
        device += ",socket-abstract=no"
        if let secret = options.secret { device += ",secret=\(secret)" }
        if options.role == .slave {
            device += ",rsize=\(options.log2RingSize),bsize=\(options.bufferSize)"
            device += ",zero-copy=\(options.zeroCopy ? "yes" : "no")"
        }
        let worker = options.cpu.map { "1@\($0)" } ?? "1@(0-1)"
        // The prefix keeps several at a time apart.
        let prefix = "virtwire-\(UInt64.random(in: 0...UInt64.max))"
        // Each queue of a port can hold its whole ring in buffers, and a burst more.
        let buffers = 4096 + 4 * options.queues << options.log2RingSize
        var arguments = [
            "dpdk-testpmd", "--no-huge", "-m", "512", "--no-pci", "--no-telemetry",
            "--lcores=0@(0-1),\(worker)", "--file-prefix=\(prefix)", "--vdev=\(device)",
        ]
        // Frames that stay where they are need memory in one file.
        if options.zeroCopy { arguments.append("--single-file-segments") }
        arguments += [
            // What comes between the link and the start of forwarding is kept, not flushed.
            "--", "--no-mlockall", "--no-flush-rx", "--total-num-mbufs=\(buffers)",
            "--stats-period=1",
            "--forward-mode=\(options.forwarding.rawValue)", "--burst=\(options.burst)",
            "--rxq=\(options.queues)", "--txq=\(options.queues)",
            "--txpkts=\(options.packetSize)",
        ]
        return arguments + options.arguments
    }

    /// Its process id; 0 once it has ended.
    public var processID: Int32 { process.processID }

    /// All that it has written.
    public var output: String { process.output }

    /// Whether it still runs.
    public var isRunning: Bool { process.status == nil }

    /// Its newest counters: of a second ago at most while it runs.
    public var statistics: Statistics { Self.statistics(in: process.output) }

    /// Ends it as a user would, with SIGINT, and returns its last counters.
    @discardableResult
    public func stop() async -> Statistics {
        process.signal(2)
        await process.waitForEnd()
        return statistics
    }

    /// Ends it at once, as a crash would.
    public func kill() async {
        process.kill()
        await process.waitForEnd()
    }

    /// The newest counters in what it wrote.
    ///
    /// `RX-packets: 12  RX-missed: 0  RX-bytes: 768` while it runs, and
    /// `RX-packets: 12  RX-dropped: 0  RX-total: 12` when it ends, once for the port and once for all.
    static func statistics(in output: String) -> Statistics {
        var result = Statistics()
        for line in output.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ").map(String.init)
            for (name, number) in zip(words, words.dropFirst()) {
                guard let number = Int(number) else { continue }
                switch name {
                case "RX-packets:": result.receivedPackets = max(number, result.receivedPackets)
                case "RX-bytes:": result.receivedBytes = max(number, result.receivedBytes)
                case "TX-packets:": result.sentPackets = max(number, result.sentPackets)
                case "TX-bytes:": result.sentBytes = max(number, result.sentBytes)
                default: break
                }
            }
        }
        return result
    }
}

import Glibc
import LinuxIO
import Memif

extension MemifRates {
    /// Sets up links on one control thread, and says what each costs and what they use while idle; and
    /// how fast another link is that has two cores to itself, before they are there and beside them.
    static func links(_ words: [String]) async throws {
        guard words.count == 2 else { throw Wrong("links COUNT SECONDS") }
        let (count, seconds) = (try number(words[0]), try number(words[1]))
        // Four descriptors for each end of a link, and a few more.
        var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let idle = try IdleLinks()
        let alone = try await idle.rateOfAnother(seconds: seconds)
        let setUp = try await idle.add(count)
        let (used, start) = (processorSeconds(), ContinuousClock.now)
        try await Task.sleep(for: .seconds(3))
        let busy = (processorSeconds() - used) / ((ContinuousClock.now - start) / .seconds(1)) * 100
        let beside = try await idle.rateOfAnother(seconds: seconds)
        print(
            #"{"links": \#(count), \#(setUp), "idle_cpu_percent": \#(busy), "#
                + #""packets_per_second_alone": \#(alone), "#
                + #""packets_per_second_beside": \#(beside)}"#)
        idle.end()
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

/// Many links between one master's socket and as many slaves, all on one control thread.
private final class IdleLinks {
    private let loop: EventLoop
    private let address: UnixAddress
    private let socket: MasterSocket
    private var interfaces: [MemifInterface] = []
    private var nextId: UInt32 = 0

    init() throws {
        loop = try EventLoop.start(name: "memif")
        address = try UnixAddress(abstract: "memif-links-\(Thread.currentID)")
        socket = try MasterSocket.listen(at: address, on: loop)
    }

    /// Sets up links, and says what they cost, as members of an object.
    func add(_ count: Int) async throws -> String {
        let before = Self.residentBytes()
        let start = ContinuousClock.now
        for number in 0..<count {
            // No more at a time than the socket lets in.
            if number >= 32 { _ = try await link(2 * number - 63) }
            var configuration = InterfaceConfiguration()
            configuration.ringSize = 64
            configuration.bufferSize = 2048
            try connect(configuration)
        }
        for number in interfaces.indices { _ = try await link(number) }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let memory = (Self.residentBytes() - before) / count
        let shared = try await link(0).details.regionByteCounts.reduce(0, +)
        // The region is mapped, and counted, at each end.
        return
            #""links_per_second": \#(Int(Double(count) / seconds)), "#
            + #""resident_bytes_per_link": \#(memory), "region_bytes_per_link": \#(shared), "#
            + #""own_bytes_per_link": \#(memory - 2 * shared)"#
    }

    /// What passes through one more link, in frames of 64 bytes in bursts of 32.
    func rateOfAnother(seconds: Int) async throws -> Int {
        let traffic = try Traffic("64", "32")
        let first = interfaces.count
        try connect(traffic.configuration)
        let (master, slave) = (try await link(first), try await link(first + 1))
        try traffic.receive(on: master, cpu: 1)
        try traffic.send(on: slave, cpu: 0)
        let rate = try await traffic.packetRate(of: master, seconds: seconds)
        for interface in interfaces[first...] { interface.remove() }
        interfaces.removeSubrange(first...)
        return rate
    }

    func end() {
        socket.close()
        loop.stop()
    }

    private func connect(_ configuration: InterfaceConfiguration) throws {
        var configuration = configuration
        configuration.id = nextId
        nextId += 1
        interfaces.append(try socket.add(configuration))
        interfaces.append(try MemifInterface.connect(to: address, configuration, on: loop))
    }

    private func link(_ number: Int) async throws -> MemifLink {
        try await interfaces[number].waitForLink(within: .seconds(60))
    }

    /// What the process has in memory, the regions of both ends included.
    private static func residentBytes() -> Int {
        let text = try? File.read("/proc/self/statm", limit: 256)
        let fields = text?.split(separator: UInt8(ascii: " ")).map { Array($0) } ?? []
        guard fields.count > 1 else { return 0 }
        return (Int(String(decoding: fields[1], as: UTF8.self)) ?? 0) * 4096
    }
}

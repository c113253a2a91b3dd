import Glibc
import LinuxIO
import Memif

extension MemifRates {
    /// Sets up links on one control thread, and says what each costs, then what they use while idle.
    static func links(_ words: [String]) async throws {
        guard words.count == 1 else { throw Wrong("links COUNT") }
        let count = try number(words[0])
        // Three descriptors for each end of a link, and two more.
        var limit = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let loop = try EventLoop.start(name: "memif")
        let address = try UnixAddress(abstract: "memif-links-\(Thread.currentID)")
        let socket = try MasterSocket.listen(at: address, on: loop)
        var interfaces: [MemifInterface] = []
        let before = residentBytes()
        let start = ContinuousClock.now
        for id in 0..<UInt32(count) {
            // No more at a time than the socket lets in.
            if id >= 32 {
                _ = try await interfaces[2 * Int(id) - 63].waitForLink(within: .seconds(60))
            }
            var configuration = InterfaceConfiguration(id: id)
            configuration.ringSize = 64
            configuration.bufferSize = 2048
            interfaces.append(try socket.add(configuration))
            interfaces.append(
                try MemifInterface.connect(to: address, configuration, on: loop))
        }
        for interface in interfaces { _ = try await interface.waitForLink(within: .seconds(60)) }
        let setUp = (ContinuousClock.now - start) / .seconds(1)
        let memory = (residentBytes() - before) / count
        let (used, idle) = (processorSeconds(), 3)
        try await Task.sleep(for: .seconds(idle))
        let busy = (processorSeconds() - used) / Double(idle) * 100
        print(
            #"{"links": \#(count), "links_per_second": \#(Int(Double(count) / setUp)), "#
                + #""resident_bytes_per_link": \#(memory), "idle_cpu_percent": \#(busy)}"#)
        socket.close()
        loop.stop()
    }

    private static func processorSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// What the process has in memory, the regions of both ends included.
    private static func residentBytes() -> Int {
        let text = try? File.read("/proc/self/statm", limit: 256)
        let fields = text?.split(separator: UInt8(ascii: " ")).map { Array($0) } ?? []
        guard fields.count > 1 else { return 0 }
        return (Int(String(decoding: fields[1], as: UTF8.self)) ?? 0) * 4096
    }
}

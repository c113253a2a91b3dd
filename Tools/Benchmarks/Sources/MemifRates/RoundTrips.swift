import LinuxIO
import Memif
import Synchronization

extension MemifRates {
    /// Sends a frame, waits for it to come back from the other core, and again: both ends wait the
    /// same way.
    static func trips(_ words: [String]) async throws {
        guard words.count == 2 else { throw Wrong("trips polling|adaptive|interrupt SECONDS") }
        let mode: ReceiveMode
        switch words[0] {
        case "polling": mode = .polling
        case "adaptive": mode = .adaptive(spinning: .microseconds(50))
        case "interrupt": mode = .interrupt
        default: throw Wrong("\(words[0]) is not a mode")
        }
        let pair = try await Pair(try Traffic("64", "1"))
        let trips = RoundTrips(mode)
        let slave = pair.slave
        let master = pair.master
        try Thread.start(name: "echo", cpu: 1) { trips.echo(slave) }
        try Thread.start(name: "ping", cpu: 0) { trips.ping(master) }
        try await Task.sleep(for: .seconds(try number(words[1])))
        trips.stop()
        while !trips.isDone { await Task.yield() }
        print(trips.line)
        pair.end()
    }
}

/// Round trips of one frame between two threads.
final class RoundTrips: Sendable {
    private let mode: ReceiveMode
    private let stopping = Atomic<Bool>(false)
    private let running = Atomic<Int>(2)
    private let times = Mutex<[Double]>([])

    init(_ mode: ReceiveMode) { self.mode = mode }

    func stop() { stopping.store(true, ordering: .relaxed) }
    var isDone: Bool { running.load(ordering: .acquiring) == 0 }
    private var isStopping: Bool { stopping.load(ordering: .relaxed) }

    func echo(_ link: MemifLink) {
        defer { running.subtract(1, ordering: .releasing) }
        guard var receiving = link.takeReceiveQueue(0, mode: mode),
            var sending = link.takeTransmitQueue(0)
        else { return }
        var batch = FrameBatch(frameCapacity: 8)
        while !isStopping {
            guard receiving.waitForFrames(milliseconds: 100),
                let count = try? receiving.receiveBurst(into: &batch), count > 0
            else { continue }
            _ = try? sending.transmitBurst(batch)
        }
    }

    func ping(_ link: MemifLink) {
        defer { running.subtract(1, ordering: .releasing) }
        guard var receiving = link.takeReceiveQueue(0, mode: mode),
            var sending = link.takeTransmitQueue(0)
        else { return }
        var batch = FrameBatch(frameCapacity: 1)
        var answers = FrameBatch(frameCapacity: 8)
        batch.append([UInt8](repeating: 1, count: 64))
        var times: [Double] = []
        times.reserveCapacity(4_000_000)
        while !isStopping {
            let start = ContinuousClock.now
            guard (try? sending.transmitBurst(batch)) == 1 else { continue }
            while !isStopping {
                guard receiving.waitForFrames(milliseconds: 100) else { continue }
                if let count = try? receiving.receiveBurst(into: &answers), count > 0 { break }
            }
            times.append((ContinuousClock.now - start) / .microseconds(1))
        }
        self.times.withLock { $0 = times }
    }

    /// Percentiles in microseconds.
    var line: String {
        let sorted = times.withLock { $0.sorted() }
        func percentile(_ share: Double) -> String {
            guard !sorted.isEmpty else { return "null" }
            let value = sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
            return "\((value * 100).rounded() / 100)"
        }
        return
            #"{"trips": \#(sorted.count), "p50": \#(percentile(0.5)), "p99": \#(percentile(0.99))"#
            + #", "p99.9": \#(percentile(0.999))}"#
    }
}

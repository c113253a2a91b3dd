import CountedCalls
import LinuxIO
import Memif
import Synchronization

extension MemifRates {
    /// Counts what a burst of 32 costs beyond its frames, and fails where it is more than it should be: no
    /// allocation, no retain, no lock and no system call while nobody sleeps; of the two
    /// indexes in shared memory, at each end one load and one store at most.
    ///
    /// Both ends work on this one thread, a burst sent, then received, so that every count is exact; but for
    /// a packet worker, which has its own, and is counted there.
    static func costs() async throws {
        try checkRetains()
        var isFine = true
        for direction in RingDirection.allCases {
            for way in Costs.Way.allCases {
                let traffic = try Traffic("64", "32", way == .place ? "place" : "copy")
                let pair = try await Pair(traffic)
                let costs = Costs(pair, direction)
                let count =
                    way == .worker
                    ? try await costs.countWorker(traffic) : try costs.count(way, traffic)
                print(count.line(direction, way))
                isFine = isFine && count.isFine
                pair.end()
            }
        }
        if !isFine { throw Wrong("a burst costs more than its frames") }
    }

    /// A count of none says nothing where none is ever counted.
    private static func checkRetains() throws {
        let object = Retained()
        var holders: [Retained] = []
        holders.reserveCapacity(8)
        counted_calls_start()
        for _ in 0..<8 { holders.append(object) }
        let calls = counted_calls_stop()
        guard calls.retains > 0, holders.allSatisfy({ $0 === object }) else {
            throw Wrong("retains are not counted")
        }
    }
}

/// Something to hold.
private final class Retained {}

/// The counts of one way through a ring, and in some ways back through another.
struct Costs {
    enum Way: CaseIterable {
        /// Into and out of a batch.
        case copy
        /// Written and read in the ring itself.
        case place
        /// Received in place, and sent back from there.
        case forward
        /// Sent back by a packet worker.
        case worker
    }

    struct Count {
        var calls: counted_calls
        /// Accesses of an index in each of the ring's mappings, a burst; nil where the processor cannot count.
        var accesses: [Double?]

        var isFine: Bool {
            calls.retains == 0 && calls.allocations == 0 && calls.locks == 0 && calls.writes == 0
                && calls.polls == 0 && accesses.allSatisfy { $0.map { $0 <= 2 } ?? true }
        }

        func line(_ direction: RingDirection, _ way: Way) -> String {
            let bursts = Costs.bursts
            let each = accesses.map { $0.map { "\($0)" } ?? "null" }.joined(separator: ", ")
            return
                #"{"direction": "\#(direction.rawValue)", "way": "\#(way)", "bursts": \#(bursts), "#
                + #""allocations": \#(calls.allocations), "retains": \#(calls.retains), "#
                + #""locks": \#(calls.locks), "writes": \#(calls.writes), "polls": \#(calls.polls), "#
                + #""index_accesses_per_burst": [\#(each)]}"#
        }
    }

    static let bursts = 10_000
    /// The places of head and tail in a ring.
    private static let indexOffsets = [6, 64]

    private let pair: Pair
    private let direction: RingDirection

    init(_ pair: Pair, _ direction: RingDirection) {
        self.pair = pair
        self.direction = direction
    }

    func count(_ way: Way, _ traffic: Traffic) throws -> Count {
        let (sending, receiving) = pair.ends(direction)
        let offset = sending.details.transmitQueues[0].offset
        guard var sender = sending.takeTransmitQueue(0),
            var receiver = receiving.takeReceiveQueue(0),
            var forwarder = receiving.takeTransmitQueue(0), var sink = sending.takeReceiveQueue(0)
        else { throw Wrong("the queues are taken") }
        var room = sender.makeRoom(capacity: 32)
        var views = receiver.makeViews(frameCapacity: 32)
        var outgoing = traffic.batch()
        var incoming = traffic.batch()
        for _ in 0..<32 { outgoing.append([UInt8](repeating: 1, count: traffic.size)) }

        func pass() throws(LinkEnd) {
            for _ in 0..<Self.bursts {
                if way == .place {
                    try traffic.fill(&room, on: &sender)
                    _ = try receiver.receiveBurst(into: &views)
                    continue
                }
                _ = try sender.transmitBurst(outgoing)
                if way == .copy {
                    _ = try receiver.receiveBurst(into: &incoming)
                    continue
                }
                _ = try receiver.receiveBurst(into: &views)
                _ = try forwarder.forwardBurst(&views, from: &receiver)
                receiver.release(&views)
                _ = try sink.receiveBurst(into: &incoming)
            }
        }
        try pass()
        counted_calls_start()
        try pass()
        let calls = counted_calls_stop()
        let before = receiver.counters.packets
        var accesses: [Double?] = []
        for base in try Self.mappings() {
            let counters = Self.indexOffsets.map {
                counted_accesses_start(UInt(base + offset + $0), 0)
            }
            try pass()
            let counts = counters.map { counted_accesses_stop($0) }
            accesses.append(
                counts.contains(-1) ? nil : Double(counts.reduce(0, +)) / Double(Self.bursts))
        }
        guard receiver.counters.packets - before == UInt64(32 * Self.bursts * accesses.count) else {
            throw Wrong("frames were lost")
        }
        return Count(calls: calls, accesses: accesses)
    }

    /// Sends bursts to a worker, one at a time, until it has counted what it does for as many.
    func countWorker(_ traffic: Traffic) async throws -> Count {
        let (sending, receiving) = pair.ends(direction)
        let echo = CountingEcho()
        let worker = try PacketWorker.start(pollingTime: .seconds(1))
        worker.attach(receiving, echo)
        guard var sender = sending.takeTransmitQueue(0), var sink = sending.takeReceiveQueue(0)
        else { throw Wrong("the queues are taken") }
        var outgoing = traffic.batch()
        var incoming = traffic.batch()
        for _ in 0..<32 { outgoing.append([UInt8](repeating: 1, count: traffic.size)) }
        while !echo.isDone {
            // There is no room before the worker has taken its queues.
            var left = try sender.transmitBurst(outgoing)
            while left > 0 { left -= try sink.receiveBurst(into: &incoming) }
        }
        worker.stop()
        return Count(calls: echo.calls, accesses: [])
    }

    /// Where the region is mapped, once for each end.
    private static func mappings() throws -> [Int] {
        let text = String(
            decoding: try File.read("/proc/self/maps", limit: 1 << 20), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.contains("memfd:memif rates") }.compactMap {
            Int($0.prefix { $0 != "-" }, radix: 16)
        }
    }
}

/// Sends frames back, and counts from one of its bursts to another what the worker's thread does.
private final class CountingEcho: PacketHandler {
    private let bursts = Atomic(0)
    private let counts = Mutex(counted_calls())

    var isDone: Bool { bursts.load(ordering: .acquiring) > Costs.bursts }
    var calls: counted_calls { counts.withLock(\.self) }

    func handle(_ frames: inout FrameBatch) {
        // Its own thread alone writes it. The first bursts are for the runtime to find out about types.
        let number = bursts.load(ordering: .relaxed)
        if number == 100 { counted_calls_start() }
        if number == Costs.bursts {
            let calls = counted_calls_stop()
            counts.withLock { $0 = calls }
        }
        bursts.store(number + 1, ordering: .releasing)
    }
}

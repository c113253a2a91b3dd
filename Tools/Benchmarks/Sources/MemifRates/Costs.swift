import CountedCalls
import LinuxIO
import Memif

extension MemifRates {
    /// Counts what a burst of 32 costs beyond its frames, and fails where it is more than it should be: no
    /// allocation, no retain, no lock and no system call while nobody sleeps; of the two
    /// indexes in shared memory, at each end one load and one store at most.
    ///
    /// Both ends work on this one thread, a burst sent, then received, so that every count is exact.
    static func costs() async throws {
        try checkRetains()
        var isFine = true
        for direction in RingDirection.allCases {
            for way in ["copy", "place"] {
                let traffic = try Traffic("64", "32", way)
                let pair = try await Pair(traffic)
                let count = try Costs(pair, direction).count(traffic)
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

/// The counts of one way through one ring.
struct Costs {
    struct Count {
        var calls: counted_calls
        /// Accesses of an index in each of the ring's mappings, a burst; nil where the processor cannot count.
        var accesses: [Double?]

        var isFine: Bool {
            calls.allocations == 0 && calls.retains == 0 && calls.locks == 0 && calls.writes == 0
                && calls.polls == 0 && accesses.allSatisfy { $0.map { $0 <= 2 } ?? true }
        }

        func line(_ direction: RingDirection, _ way: String) -> String {
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

    func count(_ traffic: Traffic) throws -> Count {
        let (sending, receiving) = pair.ends(direction)
        let offset = sending.details.transmitQueues[0].offset
        guard var sender = sending.takeTransmitQueue(0),
            var receiver = receiving.takeReceiveQueue(0)
        else { throw Wrong("the queues are taken") }
        var room = sender.makeRoom(capacity: 32)
        var views = receiver.makeViews(frameCapacity: 32)
        var outgoing = traffic.batch()
        var incoming = traffic.batch()
        for _ in 0..<32 { outgoing.append([UInt8](repeating: 1, count: traffic.size)) }

        func pass() throws(LinkEnd) {
            for _ in 0..<Self.bursts {
                if traffic.isInPlace {
                    try traffic.fill(&room, on: &sender)
                    _ = try receiver.receiveBurst(into: &views)
                } else {
                    _ = try sender.transmitBurst(outgoing)
                    _ = try receiver.receiveBurst(into: &incoming)
                }
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

    /// Where the region is mapped, once for each end.
    private static func mappings() throws -> [Int] {
        let text = String(
            decoding: try File.read("/proc/self/maps", limit: 1 << 20), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.contains("memfd:memif rates") }.compactMap {
            Int($0.prefix { $0 != "-" }, radix: 16)
        }
    }
}

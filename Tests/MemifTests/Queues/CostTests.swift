import CountedAllocations
import Glibc
import LinuxIO
import Memif
import Synchronization
import Testing

/// What bursts cost beyond their frames. Both ends work on one thread, so that every count is exact.
///
/// In these builds for debug allocations, system calls and interrupts are none, and the indexes in shared
/// memory are touched no more often than they must be; that nothing is retained either shows in a build for
/// release alone: `MemifRates costs` in Tools/Benchmarks counts it, and fails where it is otherwise.
@Suite("The cost of a burst")
struct CostTests {
    static let bursts = 10_000

    /// What bursts there are.
    enum Way: CaseIterable {
        /// Into and out of a `FrameBatch`.
        case copy
        /// Written and read in the ring itself.
        case place
        /// Received in place, and on from there.
        case forward
    }

    struct Cost: Equatable {
        var allocations = 0
        var systemCalls = 0
        var interrupts: UInt64 = 0
    }

    @Test("polling allocates nothing, and asks nothing of the kernel", arguments: Way.allCases)
    func polling(_ way: Way) async throws {
        for role in MemifRole.allCases {
            let pair = try await LinkPair { $0.ringSize = 64 }
            let isOver = Atomic<Bool>(false)
            // Whoever looks at a link takes its locks. Were they taken by bursts too, one would wait.
            let observer = Task.detached { [master = pair.master, slave = pair.slave] in
                while !isOver.load(ordering: .relaxed) {
                    _ = (master.details, slave.details, master.end, slave.end)
                    await Task.yield()
                }
            }
            let cost = try await onThread { try Self.cost(of: way, pair, inside: role) }
            isOver.store(true, ordering: .relaxed)
            await observer.value
            #expect(cost == Cost(), "\(way), received by the \(role)")
        }
    }

    /// Frames that go from one end to the other, and in one way back again.
    private static func cost(
        of way: Way, _ pair: LinkPair, inside role: MemifRole
    ) throws -> Cost {
        let (outside, inside) =
            role == .slave ? (pair.master, pair.slave) : (pair.slave, pair.master)
        var source = try unwrap(outside.takeTransmitQueue(0))
        var sink = try unwrap(outside.takeReceiveQueue(0))
        var inner = try unwrap(inside.takeReceiveQueue(0))
        var outer = try unwrap(inside.takeTransmitQueue(0))
        var room = source.makeRoom(capacity: 32)
        var views = inner.makeViews(frameCapacity: 32)
        var outgoing = FrameBatch(frameCapacity: 32)
        var incoming = FrameBatch(frameCapacity: 32)
        for _ in 0..<32 { outgoing.append([UInt8](repeating: 7, count: 64)) }

        func burst() throws(LinkEnd) {
            switch way {
            case .copy:
                _ = try source.transmitBurst(outgoing)
                _ = try inner.receiveBurst(into: &incoming)
            case .place:
                _ = try source.reserve(32, in: &room)
                for buffer in 0..<room.count { room.setByteCount(64, of: buffer) }
                _ = try source.transmitBurst(&room)
                _ = try inner.receiveBurst(into: &views)
            case .forward:
                _ = try source.transmitBurst(outgoing)
                _ = try inner.receiveBurst(into: &views)
                _ = try outer.forwardBurst(&views, from: &inner)
                inner.release(&views)
                _ = try sink.receiveBurst(into: &incoming)
            }
        }
        // The first time, the runtime finds out about types.
        for _ in 0..<10 { try burst() }
        let packets = inner.counters.packets
        let before = counted_allocations()
        counted_system_calls_start()
        for _ in 0..<bursts { try burst() }
        let calls = counted_system_calls_stop()
        let allocations = counted_allocations() - before
        guard inner.counters.packets - packets == UInt64(32 * bursts) else { throw GaveUp() }
        return Cost(
            allocations: allocations, systemCalls: calls,
            interrupts: source.counters.interrupts + outer.counters.interrupts)
    }

    @Test(
        "a burst loads the other end's index once at most, and stores its own once",
        arguments: [Way.copy, .place])
    func accesses(_ way: Way) async throws {
        for role in MemifRole.allCases {
            let pair = try await LinkPair {
                $0.ringSize = 64
                $0.name = "\(way), \(role)"
            }
            let ring = try unwrap(
                (role == .slave ? pair.slave : pair.master).details.receiveQueues.first)
            let counts = try await onThread {
                // The region is mapped once for each end. Head and tail of the ring lie in either.
                let counters = try Self.mappings(of: "memif \(way), \(role)").map { base in
                    [6, 64].map { counted_accesses_start(UInt(base + ring.offset + $0), 0) }
                }
                _ = try Self.cost(of: way, pair, inside: role)
                return counters.map { $0.map { counted_accesses_stop($0) }.reduce(0, +) }
            }
            #expect(counts.count == 2)
            // Those of warming up, and of making the queues, come on top. Twice -1 where the processor
            // does not count.
            for count in counts {
                #expect(count == -2 || (Self.bursts..<2 * Self.bursts + 100).contains(count))
            }
        }
    }

    private static func mappings(of name: String) throws -> [Int] {
        let text = String(
            decoding: try File.read("/proc/self/maps", limit: 1 << 22), as: UTF8.self)
        return text.split(separator: "\n").filter { $0.contains(name) }.compactMap {
            Int($0.prefix { $0 != "-" }, radix: 16)
        }
    }

    @Test("accesses are counted")
    func accessCounter() async throws {
        let count = try await onThread {
            let number = Touched()
            let counter = counted_accesses_start(number.address, 0)
            for _ in 0..<5 { number.touch() }
            return counted_accesses_stop(counter)
        }
        #expect([5, -1].contains(count))
    }

    @Test("system calls are counted")
    func counter() async throws {
        let counts = try await onThread {
            (0..<3).map { calls in
                counted_system_calls_start()
                for _ in 0..<calls { _ = getppid() }
                return counted_system_calls_stop()
            }
        }
        // None where they cannot be.
        #expect([[0, 1, 2], [0, 0, 0]].contains(counts))
    }

    @Test("a receiver is woken by one interrupt, however many bursts come before it wakes")
    func wakeUps() async throws {
        let pair = try await LinkPair()
        for direction in RingDirection.allCases {
            let (sending, receiving) = pair.ends(direction)
            var sender = try unwrap(sending.takeTransmitQueue(0))
            var receiver = try unwrap(receiving.takeReceiveQueue(0, mode: .interrupt))
            var outgoing = FrameBatch()
            var incoming = FrameBatch()
            outgoing.append([1])
            for round in 1...1000 as ClosedRange<UInt64> {
                while try receiver.receiveBurst(into: &incoming) > 0 {}
                expectEqual(receiver.armInterrupt(), true)
                for _ in 0..<5 { _ = try sender.transmitBurst(outgoing) }
                expectEqual(sender.counters.interrupts, round)
                expectEqual(receiver.interrupt.drain(), 1)
            }
            expectEqual(sender.counters.packets, 5000)
        }
    }
}

/// Two bytes whose accesses can be counted.
@safe
private final class Touched {
    private let place = UnsafeMutablePointer<Atomic<UInt16>>.allocate(capacity: 1)

    // SAFETY: the place is this object's from here to deinit.
    init() { unsafe place.initialize(to: Atomic(0)) }

    deinit { unsafe place.deallocate() }

    var address: UInt { unsafe UInt(bitPattern: place) }

    func touch() { _ = unsafe place.pointee.load(ordering: .relaxed) }
}

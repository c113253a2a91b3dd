import CountedAllocations
import Glibc
import LinuxIO
import Memif
import Synchronization
import Testing

/// What bursts cost beyond their frames.
///
/// In these builds for debug allocations, system calls and interrupts are none, and the indexes in shared
/// memory are touched no more often than they must be; that nothing is retained either shows in a build for
/// release alone: `MemifRates costs` in Tools/Benchmarks counts it, and fails where it is otherwise.
@Suite("The cost of a burst", .timeLimit(.minutes(4)))
struct CostTests {
    @Test(
        "polling allocates nothing, and asks nothing of the kernel",
        arguments: BurstCost.Way.allCases)
    func polling(_ way: BurstCost.Way) async throws {
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
            let cost = try await onThread { try BurstCost(of: way, on: pair, inside: role) }
            isOver.store(true, ordering: .relaxed)
            await observer.value
            #expect(cost == BurstCost(), "\(way), received by the \(role)")
        }
    }

    @Test(
        "a burst loads the other end's index once at most, and stores its own once, in each ring",
        arguments: BurstCost.Way.allCases)
    func accesses(_ way: BurstCost.Way) async throws {
        for role in MemifRole.allCases {
            for isWayBack in way.returns ? [false, true] : [false] {
                let name = "\(way), \(role), \(isWayBack)"
                let pair = try await LinkPair {
                    $0.ringSize = 64
                    $0.name = name
                }
                let (outside, inside) = pair.ends(around: role)
                let details = (isWayBack ? outside : inside).details
                let offset = try unwrap(details.receiveQueues.first).offset
                let counts = try await onThread {
                    // The region is mapped once for each end. Head and tail of the ring lie in either: as many
                    // places as the processor can watch.
                    let counters = try Self.mappings(of: "memif \(name)").map { base in
                        [6, 64].map { counted_accesses_start(UInt(base + offset + $0), 0) }
                    }
                    _ = try BurstCost(of: way, on: pair, inside: role)
                    return counters.map { $0.map { counted_accesses_stop($0) }.reduce(0, +) }
                }
                #expect(counts.count == 2)
                // Those of warming up, and of making the queues, come on top. Twice -1 where the processor
                // does not count.
                let bursts = BurstCost.bursts
                for count in counts {
                    #expect(count == -2 || (bursts..<2 * bursts + 100).contains(count), "\(name)")
                }
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
            outgoing.append([1])
            for round in 1...1000 as ClosedRange<UInt64> {
                try Self.settle(&receiver)
                for _ in 0..<5 { _ = try sender.transmitBurst(outgoing) }
                expectEqual(sender.counters.interrupts, round)
                expectEqual(receiver.interrupt.drain(), 1)
            }
            expectEqual(sender.counters.packets, 5000)
        }
    }

    @Test("so it is where bursts are forwarded, or sent by a worker", arguments: MemifRole.allCases)
    func forwardedWakeUps(_ role: MemifRole) async throws {
        for isWorker in [false, true] {
            let pair = try await LinkPair()
            defer { pair.socket.close() }
            let (outside, inside) = pair.ends(around: role)
            var source = try unwrap(outside.takeTransmitQueue(0))
            var sink = try unwrap(outside.takeReceiveQueue(0, mode: .interrupt))
            let stage = try BurstCost.Stage(isWorker ? .worker : .forward, inside)
            var outgoing = FrameBatch()
            outgoing.append([1])
            for round in 1...200 as ClosedRange<UInt64> {
                try Self.settle(&sink)
                for _ in 0..<5 {
                    _ = try source.transmitBurst(outgoing)
                    try stage.pass()
                }
                expectEqual(inside.transmitCounters(0).interrupts, round)
                expectEqual(sink.interrupt.drain(), 1)
            }
            expectEqual(inside.sent.packets, 1000)
        }
    }

    /// Takes what has come, and asks to be woken for more.
    private static func settle(_ receiver: inout ReceiveQueue) throws {
        var incoming = FrameBatch()
        while try receiver.receiveBurst(into: &incoming) > 0 {}
        expectEqual(receiver.armInterrupt(), true)
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

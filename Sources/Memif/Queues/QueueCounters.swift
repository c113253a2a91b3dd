internal import Synchronization

/// What went through a queue since its link came up.
public struct QueueCounters: Hashable, Sendable {
    /// Whole frames.
    public var packets: UInt64 = 0
    /// Their bytes.
    public var bytes: UInt64 = 0
    /// Frames thrown away: longer than allowed or than the batch, or empty. A frame for which a full
    /// ring had no room was not thrown away by the queue, and is its caller's to count.
    public var drops: UInt64 = 0
    /// As a sender: bursts that found no room for all of their frames.
    public var fullBursts: UInt64 = 0
    /// As a sender: interrupts raised. A burst that finds one pending still raises no other.
    public var interrupts: UInt64 = 0
    /// As a receiver: how often its owner went to sleep until an interrupt.
    public var sleeps: UInt64 = 0

    /// Nothing yet.
    public init() {}

    /// Adds another queue's.
    public static func += (total: inout QueueCounters, other: QueueCounters) {
        total.packets += other.packets
        total.bytes += other.bytes
        total.drops += other.drops
        total.fullBursts += other.fullBursts
        total.interrupts += other.interrupts
        total.sleeps += other.sleeps
    }
}

/// A queue's counters where others can read them while the queue works: written by its owner only.
final class SharedCounters: Sendable {
    private let packets = Atomic<UInt64>(0)
    private let bytes = Atomic<UInt64>(0)
    private let drops = Atomic<UInt64>(0)
    private let fullBursts = Atomic<UInt64>(0)
    private let interrupts = Atomic<UInt64>(0)
    private let sleeps = Atomic<UInt64>(0)

    /// Stores the owner's newest numbers. Plain stores: there is only one writer.
    @inline(__always)
    func store(_ counters: QueueCounters) {
        packets.store(counters.packets, ordering: .relaxed)
        bytes.store(counters.bytes, ordering: .relaxed)
        drops.store(counters.drops, ordering: .relaxed)
        fullBursts.store(counters.fullBursts, ordering: .relaxed)
        interrupts.store(counters.interrupts, ordering: .relaxed)
        sleeps.store(counters.sleeps, ordering: .relaxed)
    }

    /// The numbers, each as new as its last burst.
    var value: QueueCounters {
        var counters = QueueCounters()
        counters.packets = packets.load(ordering: .relaxed)
        counters.bytes = bytes.load(ordering: .relaxed)
        counters.drops = drops.load(ordering: .relaxed)
        counters.fullBursts = fullBursts.load(ordering: .relaxed)
        counters.interrupts = interrupts.load(ordering: .relaxed)
        counters.sleeps = sleeps.load(ordering: .relaxed)
        return counters
    }
}

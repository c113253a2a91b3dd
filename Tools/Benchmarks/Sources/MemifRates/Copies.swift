import Glibc
import LinuxIO
import Synchronization

/// What two cores can do that hand bytes to each other with memcpy and two indexes: the probe that
/// the copying queues are measured with. One core copies from a buffer of its own to a shared one,
/// the other from there to a buffer of its own.
final class Copies: @unchecked Sendable {
    // @unchecked: the slots belong to one thread at a time, as the indexes say.

    private static let slots = 1024
    private let size: Int
    private let burst: Int
    private let spacing: Int
    private let shared: UnsafeMutableRawPointer
    private let indexes: UnsafeMutableRawPointer
    private let stopping = Atomic<Bool>(false)
    private let running = Atomic<Int>(2)
    private let copied = Atomic<Int>(0)

    init(size: Int, burst: Int) {
        self.size = size
        self.burst = min(burst, Self.slots / 2)
        spacing = (size + 127) / 64 * 64
        shared = .allocate(byteCount: spacing * Self.slots, alignment: 4096)
        memset(shared, 1, spacing * Self.slots)
        indexes = .allocate(byteCount: 256, alignment: 64)
        memset(indexes, 0, 256)
    }

    private func index(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        (indexes + number * 128).assumingMemoryBound(to: Atomic<Int>.self)
    }

    func rate(seconds: Int) async throws -> Double {
        try Thread.start(name: "from", cpu: 0) { [self] in
            work(own: 0, other: 1, ahead: Self.slots) { own, slot in memcpy(slot, own, size) }
        }
        try Thread.start(name: "to", cpu: 1) { [self] in
            work(own: 1, other: 0, ahead: 0) { own, slot in
                memcpy(own, slot, size)
            }
        }
        try await Task.sleep(for: .milliseconds(300))
        let (before, start) = (index(1).pointee.load(ordering: .relaxed), ContinuousClock.now)
        try await Task.sleep(for: .seconds(seconds))
        let after = index(1).pointee.load(ordering: .relaxed)
        let time = (ContinuousClock.now - start) / .seconds(1)
        stopping.store(true, ordering: .relaxed)
        while running.load(ordering: .acquiring) > 0 { await Task.yield() }
        return Double(after - before) / time
    }

    /// Copies a burst whenever the other end's index leaves room for one.
    @inline(__always)
    private func work(
        own: Int, other: Int, ahead: Int,
        _ copy: (UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
    ) {
        let buffer = UnsafeMutableRawPointer.allocate(
            byteCount: spacing * burst, alignment: 4096)
        memset(buffer, 2, spacing * burst)
        var position = 0
        while !stopping.load(ordering: .relaxed) {
            let limit = index(other).pointee.load(ordering: .acquiring) + ahead
            guard limit - position >= burst else { continue }
            for number in 0..<burst {
                let slot = (position + number) & (Self.slots - 1)
                copy(buffer + number * spacing, shared + slot * spacing)
            }
            position += burst
            index(own).pointee.store(position, ordering: .releasing)
        }
        buffer.deallocate()
        running.subtract(1, ordering: .releasing)
    }
}

extension MemifRates {
    static func copies(_ words: [String]) async throws {
        guard words.count == 3 else { throw Wrong("copies SIZE BURST SECONDS") }
        let size = try number(words[0])
        let rate = try await Copies(size: size, burst: try number(words[1]))
            .rate(seconds: try number(words[2]))
        print(
            #"{"packets_per_second": \#(Int(rate)), "bytes_per_second": \#(Int(rate) * size)}"#)
    }
}

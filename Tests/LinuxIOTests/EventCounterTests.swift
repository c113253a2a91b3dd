import Foundation
import LinuxIO
import Synchronization
import Testing

@Suite("Event counters")
struct EventCounterTests {
    @Test("count signals and start again when drained")
    func counting() throws {
        let counter = try EventCounter()
        #expect(counter.drain() == 0)
        for _ in 0..<3 { counter.signal() }
        #expect(counter.drain() == 3)
        #expect(counter.drain() == 0)
    }

    @Test("never block when drained, even where a peer cleared O_NONBLOCK")
    func hostilePeer() throws {
        let counter = try EventCounter()
        try counter.descriptor.setNonblocking(false)
        #expect(counter.drain() == 0)
        counter.signal()
        #expect(counter.drain() == 1)
    }

    @Test("never block when signalled, though a peer made them block and fills them meanwhile")
    func hostileFilling() async throws {
        let counter = try EventCounter()
        let peer = try EventCounter(adopting: try counter.descriptor.duplicate())
        let (signals, isOver) = (Shared(0), Shared(0))
        try LinuxIO.Thread.start(name: "victim") {
            while isOver.number == 0 {
                counter.signal()
                signals.increment()
            }
            isOver.increment()
        }
        let deadline = ContinuousClock.now + .seconds(60)
        rounds: for _ in 0..<2000 {
            // Empty for a moment, in which the victim may find room for one; then full, and blocking.
            try peer.descriptor.setNonblocking(true)
            peer.drain()
            peer.fill()
            try peer.descriptor.setNonblocking(false)
            let before = signals.number
            while signals.number == before {
                sched_yield()
                guard ContinuousClock.now < deadline else { break rounds }
            }
        }
        #expect(ContinuousClock.now < deadline, "a signal had to wait")
        isOver.increment()
        // A victim that waits is let go.
        try peer.descriptor.setNonblocking(true)
        while isOver.number == 1 { peer.drain() }
        expectStillRaises(counter)
    }

    private func expectStillRaises(_ counter: borrowing EventCounter) {
        counter.drain()
        counter.signal()
        let value = counter.drain()
        #expect(value == 1)
    }

    @Test("wake only who has not been woken yet")
    func waking() throws {
        let counter = try EventCounter()
        let first = counter.wake()
        let second = counter.wake()
        #expect(first && !second)
        #expect(counter.drain() == 1)
        let third = counter.wake()
        #expect(third)
        // A full one needs no more.
        counter.fill()
        counter.signal()
        let fourth = counter.wake()
        #expect(!fourth)
        #expect(counter.drain() > 1)
    }

    @Test("take over an eventfd and refuse anything else")
    func adopting() throws {
        let counter = try EventCounter()
        let copy = try EventCounter(adopting: try counter.descriptor.duplicate())
        copy.signal()
        #expect(counter.drain() == 1)

        let file = try OwnedDescriptor.memoryFile(name: "no eventfd", byteCount: 4096)
        let duplicate = try file.duplicate()
        do {
            _ = try EventCounter(adopting: duplicate)
            Issue.record("a memory file was taken for an eventfd")
        } catch {
            #expect(error.code == EINVAL)
            #expect(error.subject.contains("no eventfd"))
        }
    }
}

/// A number that threads share.
private final class Shared: Sendable {
    private let value: Atomic<Int>

    init(_ number: Int) { value = Atomic(number) }

    var number: Int { value.load(ordering: .acquiring) }

    func increment() { value.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}

extension EventCounter {
    /// Raises it as far as it goes, if it may: another write would have to wait.
    fileprivate func fill() {
        var most = UInt64.max - 1
        // SAFETY: eight bytes from this frame, as eventfd wants.
        _ = unsafe write(descriptor.rawValue, &most, 8)
    }
}

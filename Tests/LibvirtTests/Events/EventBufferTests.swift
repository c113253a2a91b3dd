import CountedAllocations
import LibvirtTesting
import LinuxIO
import Testing

@testable import Libvirt

@Suite("What a subscriber has not read", .timeLimit(.minutes(4))) struct EventBufferTests {
    @Test("what is there is taken as it is, without what a wait would allocate")
    func ready() async throws {
        let loop = try EventLoop.start(name: "event-buffer")
        let buffer = EventBuffer<Int>(capacity: 2000)
        for number in 0..<1100 { buffer.put(number) }
        // All of it on one thread, which is the one that counts.
        let perEvent = await withTaskExecutorPreference(loop) {
            for _ in 0..<100 { _ = await buffer.next() }
            let before = counted_allocations()
            for _ in 0..<1000 { _ = await buffer.next() }
            return Double(counted_allocations() - before) / 1000
        }
        #expect(perEvent < 1)
        loop.stop()
    }

    @Test("a task that is cancelled reads nothing more, and leaves what is there to the next")
    func cancelled() async throws {
        try await withFake { daemon in
            let connection = try await Connection.open(daemon.uri)
            let events = try await connection.domainEvents()
            events.subscription.buffer.lose(3)
            let reader = Task {
                while !Task.isCancelled { await Task.yield() }
                var iterator = events.makeAsyncIterator()
                return try await iterator.next() == nil
            }
            reader.cancel()
            let hasEnded = try await reader.value
            #expect(hasEnded)
            var iterator = events.makeAsyncIterator()
            guard case .lost(3) = try await iterator.next() else {
                Issue.record("what was there is gone")
                return
            }
            await connection.close()
        }
    }

    @Test("elements, then what is missing behind them, then the end")
    func order() async {
        let buffer = EventBuffer<Int>(capacity: 2)
        for number in 0..<5 { buffer.put(number) }
        buffer.finish(nil)
        for number in 0..<2 {
            guard case .element(number) = await buffer.next() else {
                Issue.record("\(number) did not come")
                return
            }
        }
        guard case .lost(3) = await buffer.next(), case .end(nil) = await buffer.next() else {
            Issue.record("not as it was")
            return
        }
    }
}

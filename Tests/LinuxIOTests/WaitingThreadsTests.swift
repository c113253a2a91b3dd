import Dispatch
import Synchronization
import Testing

@testable import LinuxIO

@Suite("Threads for what waits", .timeLimit(.minutes(4)))
struct WaitingThreadsTests {
    private final class Obstacle: Sendable {
        private let isGone = DispatchSemaphore(value: 0)

        func wait() { isGone.wait() }

        /// For one who waits.
        func remove() { isGone.signal() }
    }

    /// Has so many tasks wait, each holding up its thread, until all of them do; and then lets them go.
    private func waiting(_ count: Int, on threads: WaitingThreads) async throws {
        let obstacle = Obstacle()
        let begun = Mutex(0)
        try await withThrowingTaskGroup { group in
            for _ in 0..<count {
                group.addTask(executorPreference: threads) { @Sendable in
                    begun.withLock { $0 += 1 }
                    obstacle.wait()
                }
            }
            while begun.withLock(\.self) < count { await Task.yield() }
            // Swift's own threads are free.
            let other = await Task.detached { 7 }.value
            #expect(other == 7)
            #expect(threads.longestWait > .zero)
            for _ in 0..<count { obstacle.remove() }
            try await group.waitForAll()
        }
    }

    @Test("as many wait at once as there is room for, and nothing else waits with them")
    func atOnce() async throws {
        let threads = WaitingThreads(most: 16)
        for count in [16, 1, 12] { try await waiting(count, on: threads) }
        // The last part counts until its thread has come back from it.
        while threads.longestWait != .zero { await Task.yield() }
    }

    @Test("what comes beyond the limit waits for a thread; each part of a task is run once")
    func beyond() async throws {
        let threads = WaitingThreads(most: 3)
        let count = Mutex(0)
        await withDiscardingTaskGroup { group in
            for _ in 0..<100 {
                group.addTask(executorPreference: threads) { @Sendable in
                    for _ in 0..<20 {
                        await Task.yield()
                        count.withLock { $0 += 1 }
                    }
                }
            }
        }
        #expect(count.withLock(\.self) == 2000)
    }
}

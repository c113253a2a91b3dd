import Memif
import Testing

@Suite("A packet worker", .timeLimit(.minutes(3)))
struct PacketWorkerTests {
    /// Calls a closure when it is let go of.
    private final class Canary: Sendable {
        private let song: @Sendable () -> Void

        init(_ song: @escaping @Sendable () -> Void) { self.song = song }

        deinit { song() }

        func rest() {}
    }

    @Test("what it drops when it ends may call it still")
    func dropped() async throws {
        let worker = try PacketWorker.start()
        let isDropped = Flag()
        worker.submit { [weak worker] in
            // Both are taken at once, so that the second runs when the end is decided.
            worker?.stop()
            worker?.submit { [weak worker] in
                let canary = Canary {
                    worker?.submit {}
                    isDropped.raise()
                }
                worker?.submit { canary.rest() }
            }
        }
        try await eventually("it has dropped its work") { isDropped.isRaised }
        // And takes no more.
        let isLate = Flag()
        do {
            let late = Canary { isLate.raise() }
            worker.submit { late.rest() }
        }
        #expect(isLate.isRaised)
    }
}

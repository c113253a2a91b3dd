import Testing

@testable import virtwire

@Suite("Work with a time limit")
struct FinishesTests {
    @Test("it is told whether the work ended in time")
    func time() async throws {
        #expect(try await finishes(within: .seconds(60)) {})
        let isInTime = try await finishes(within: .milliseconds(1)) {
            while !Task.isCancelled { await Task.yield() }
        }
        #expect(!isInTime)
    }

    @Test("cancelled, it ends as the work does, however much sooner the clock gives up")
    func cancelled() async throws {
        let task = Task {
            try await finishes(within: .seconds(60)) {
                while !Task.isCancelled { await Task.yield() }
                for _ in 0..<1000 { await Task.yield() }
            }
        }
        task.cancel()
        #expect(try await task.value)
    }
}

import LinuxIO
import Synchronization
import Testing

@testable import MemifController

@Suite("How long links of a process that has crashed have to stand", .timeLimit(.minutes(4)))
struct ProbationTests {
    @Test(
        "the next process may begin with them once more after one that stands, and not after one that hangs"
    )
    func hang() async throws {
        let scratch = try Scratch()
        let backend = FakeBackend()
        let controller = Controller(
            Host(scratch.configuration, backend: backend, logger: ControllerHarness.silent),
            source: FakeSource(), probation: .milliseconds(1))
        let attempts = AdoptionAttempts(controller.host.layout)
        try Directory.ensure(scratch.configuration.runtimeDirectory, mode: 0o700)
        #expect(attempts.begin(limit: AdoptionAttempts.mostAfterCrash))
        controller.state.withLock { $0.isOnProbation = true }

        backend.hang(true)
        let stuck = Task { await controller.endProbation() }
        #expect(await eventually { backend.rounds == 1 })
        // As when the watchdog ends the process.
        stuck.cancel()
        await stuck.value
        #expect(!attempts.begin(limit: AdoptionAttempts.mostAfterCrash))

        backend.hang(false)
        await controller.endProbation()
        #expect(attempts.begin(limit: AdoptionAttempts.mostAfterCrash))
    }
}

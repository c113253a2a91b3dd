import Synchronization
import Testing

@testable import MemifController

@Suite("Changes of one domain's added ports at once", .timeLimit(.minutes(4)))
struct ConcurrentChangeTests {
    private let one = Sample.vm(1)

    private func request(linger: String) -> PortRequest {
        PortRequest(attributes: ["name": "b", "linger": linger])
    }

    @Test("an add that fails undoes what is its own, and not what another has added meanwhile")
    func twoAdds() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            let opened = Mutex(0)
            let mayFail = Mutex(false)
            let backend = it.backend
            backend.whenOpening { _ in
                let isFirst = opened.withLock { opened in
                    opened += 1
                    return opened == 1
                }
                // It runs on a thread for what waits.
                while isFirst, !mayFail.withLock(\.self) {}
                backend.fail("b", isFirst)
            }
            let controller = it.controller
            let first = Task { try await controller.add(request(linger: "1s"), to: "vm-1") }
            #expect(await eventually { opened.withLock(\.self) == 1 })
            let second = Task { try await controller.add(request(linger: "2s"), to: "vm-1") }
            #expect(await eventually { controller.turns.waiting(one) == 1 })
            mayFail.withLock { $0 = true }
            await #expect(throws: ChangeError.self) { _ = try await first.value }
            let report = try await second.value
            #expect(report.name == "b")
            let reads = it.source.reads
            it.source.lose()
            #expect(await eventually { it.source.reads > reads })
            #expect(await eventually { controller.isSettled })
            #expect(it.stands([one: ["a", "b"]]), "\(it.diagnosis)")
            #expect(it.port(one, "b")?.specification.declaration.linger == .seconds(2))
        }
    }

    @Test("whoever comes in between waits for a turn; other domains do not")
    func turns() async {
        let turns = Turns()
        let log = Log()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        var tasks = [
            Task {
                await turns.take(one) {
                    begin.finish()
                    for await _ in gate {}
                }
            }
        ]
        for await _ in begun {}
        for number in 1...3 {
            tasks.append(
                Task { await turns.take(one) { log.numbers.withLock { $0.append(number) } } })
            #expect(await eventually { turns.waiting(one) == number })
        }
        await turns.take(Sample.vm(2)) { log.numbers.withLock { $0.append(0) } }
        open.finish()
        for task in tasks { await task.value }
        #expect(log.numbers.withLock(\.self) == [0, 1, 2, 3])
        #expect(turns.waiting(one) == 0)
    }
}

private final class Log: Sendable {
    let numbers = Mutex<[Int]>([])
}

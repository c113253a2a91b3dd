import Foundation
import Logging
import Synchronization
import Testing

@testable import MemifController
@testable import virtwired

@Suite("The log's lines about a look", .timeLimit(.minutes(4)))
struct LookLineTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[[String: String]]>([])

        func add(_ line: String) {
            let object = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8))
            lines.withLock { $0.append(object ?? [:]) }
        }

        func about(_ vm: VMIdentifier, _ message: String) -> [[String: String]] {
            lines.withLock { lines in
                lines.filter { $0["vm"] == "\(vm)" && $0["message"] == message }
            }
        }
    }

    private let lines = Lines()
    private let source = FakeSource()
    private let one = Sample.vm(1)
    private let two = Sample.vm(2)
    private let three = Sample.vm(3)

    private var logger: Logger {
        var handler = JSONLogHandler()
        let lines = lines
        handler.write = { lines.add($0) }
        return Logger(label: "test") { _ in handler }
    }

    @Test(
        "all lines of one look share its number, the event that called for it, and say how long it took"
    )
    func look() async throws {
        source.define(three, "<memif:port name='a'/>", silently: true)
        try await ControllerHarness(source, Scratch(), logger: logger).run { it in
            // The first list has been answered.
            #expect(await eventually { it.stands([three: ["a"]]) && it.controller.isSettled })
            source.define(one, "<memif:port name='a'/><memif:port name='b'/>")
            source.define(two, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a", "b"], two: ["a"], three: ["a"]]) })
            #expect(await eventually { lines.about(one, "port changed").count == 2 })
            // A socket stands before its line is written.
            #expect(await eventually { lines.about(one, "socket listening").count == 2 })
            let opened = lines.about(one, "socket listening")
            #expect(Set(opened.map { $0["port"] }) == ["a", "b"])
            let numbers = Set(
                (opened + lines.about(one, "port changed")).map { $0["reconcile_id"] })
            #expect(numbers.count == 1)
            #expect(await eventually { !lines.about(two, "socket listening").isEmpty })
            #expect(numbers.first != lines.about(two, "socket listening").first?["reconcile_id"])
            #expect(opened.allSatisfy { $0["event"] == "defined" && $0["domain"] == "vm-1" })
            #expect(opened.allSatisfy { $0["duration_ms"].flatMap { Int($0) } != nil })

            source.start(one)
            #expect(
                await eventually {
                    lines.about(one, "port changed").contains {
                        $0["event"] == "started" && $0["state"] == "Ready"
                    }
                })
        }
    }

    @Test("a guest's reboot calls for none, and none is put down to it")
    func reboot() async throws {
        source.define(one, "<memif:port name='a'/>", silently: true)
        try await ControllerHarness(source, Scratch(), logger: logger).run { it in
            #expect(await eventually { it.stands([one: ["a"]]) && it.controller.isSettled })
            func looks() -> UInt64 { it.controller.statistics().looks.values.reduce(0, +) }
            let before = looks()
            for _ in 0..<100 { source.tell(.rebooted, of: one) }
            #expect(await eventually { it.controller.isSettled })
            #expect(looks() == before)
            source.define(one, "<memif:port name='b'/>", silently: true)
            await it.controller.lookNow(at: one)
            let events = lines.about(one, "socket listening").map { $0["event"] }
            #expect(events == ["routine", "call"])
        }
    }

    @Test("what no event has called for is routine")
    func routine() async throws {
        source.define(one, "<memif:port name='a'/>", silently: true)
        try await ControllerHarness(source, Scratch(), logger: logger).run { it in
            let isTold = await eventually { !lines.about(one, "socket listening").isEmpty }
            #expect(isTold && it.stands([one: ["a"]]))
            #expect(lines.about(one, "socket listening").map { $0["event"] } == ["routine"])
        }
    }
}

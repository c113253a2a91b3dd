import LinuxIO
import Logging
import Testing

@testable import MemifController

@Suite("The controller over restarts, its own and libvirt's")
struct RestartTests {
    private let one = Sample.vm(1)
    private let two = Sample.vm(2)

    @Test("a clean stop removes the sockets and keeps the records; a start has them back at once")
    func cleanRestart() async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        source.define(one, "<memif:port name='a'/>")
        source.define(two, "<memif:port name='a'/><memif:port name='b' link='always'/>")
        source.start(two)
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a"], two: ["a", "b"]]) })
            #expect(await eventually { it.controller.isSettled })
        }
        let layout = RuntimeLayout(scratch.configuration)
        #expect(try Directory.entries(of: layout.domainsDirectory) == [])
        #expect(try Directory.entries(of: layout.recordsDirectory).count == 2)

        // Libvirt cannot be asked: the records alone say what is to stand, and who is served.
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a"], two: ["a", "b"]]) })
            #expect(it.port(two, "a")?.admission == .open)
            #expect(it.port(one, "a")?.admission == .closed(reason: "domain shut off"))
            // Meanwhile one has gone and two has changed.
            source.undefine(one, silently: true)
            source.stop(two, silently: true)
            source.define(two, "<memif:port name='c'/>", silently: true)
            source.connect()
            #expect(await eventually { it.stands([two: ["c"]]) })
        }
    }

    @Test("a paused domain gets no frame after a restart either, before libvirt is asked")
    func paused() async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        source.define(one, "<memif:port name='a'/>")
        source.start(one)
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            #expect(it.port(one, "a")?.isPaused == false)
            source.turn(one, .paused)
            #expect(await eventually { it.port(one, "a")?.isPaused == true })
            #expect(await eventually { it.controller.isSettled })
        }
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.port(one, "a")?.isPaused == true })
            #expect(it.port(one, "a")?.admission == .open)
            #expect(await eventually { it.condition(one, "a")?.reason.contains("paused") == true })
            source.turn(one, .running, silently: true)
            source.connect()
            #expect(await eventually { it.port(one, "a")?.isPaused == false })
            #expect(await eventually { it.controller.isSettled })
        }
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.condition(one, "a")?.state == .ready })
            #expect(it.port(one, "a")?.isPaused == false)
        }
    }

    @Test("a host that is drained admits nobody at a start either, before libvirt is asked")
    func drained() async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        source.define(one, "<memif:port name='a' link='always'/>")
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a"]]) })
            #expect(await eventually { it.controller.isSettled })
        }
        try File.replace(RuntimeLayout(scratch.configuration).drainMark, with: [])
        source.disconnect()
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a"]]) })
            #expect(it.port(one, "a")?.admission == .draining)
        }
    }

    @Test("what a killed daemon left is put right: stale sockets, temporary files, orphans")
    func leftovers() async throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let source = FakeSource()
        source.define(one, "<memif:port name='a'/>")
        for vm in [one, two] {
            try Directory.ensurePath(layout.directory(of: vm))
            for name in ["a", "old"] {
                _ = try SocketFile.listen(
                    at: layout.socket(of: vm, port: name), kind: .messages, mode: 0o600)
            }
        }
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([one: ["a"]]) })
        }
    }

    @Test("what no record tells of is left alone until libvirt has been asked")
    func leftoversWithoutLibvirt() async throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let source = FakeSource()
        source.disconnect()
        source.define(one, "<memif:port name='a'/>")
        let stale = layout.socket(of: one, port: "a")
        try Directory.ensurePath(layout.directory(of: one))
        _ = try SocketFile.listen(at: stale, kind: .messages, mode: 0o600)
        try Directory.ensurePath(layout.recordsDirectory)
        try File.replace(layout.record(of: two), with: Array("{\"ver".utf8))
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(
                await eventually {
                    // It hears of it once its records have been gone through.
                    source.disconnect()
                    return it.controller.status().connection
                        == .disconnected(reason: "the fake was told to go")
                })
            let records = try Directory.entries(of: layout.recordsDirectory)
            #expect(try SocketFile.probe(stale) == .stale)
            #expect(records == ["\(two).json"])
            source.connect()
            #expect(await eventually { it.stands([one: ["a"]]) })
        }
    }

    @Test("a dead socket that is not named like ours is another's, and stays")
    func foreignSocket() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            let other = it.layout.directory(of: one) + "/vpp-api"
            _ = try SocketFile.listen(at: other, kind: .stream, mode: 0o600)
            it.source.define(one, "<memif:port name='b'/>")
            #expect(await eventually { it.port(one, "b") != nil && it.port(one, "a") == nil })
            #expect(await eventually { it.controller.isSettled })
            #expect(try SocketFile.probe(other) == .stale)
            try File.remove(other)
        }
    }

    @Test("another libvirt takes no port away, unless that is meant")
    func otherLibvirt() async throws {
        let scratch = try Scratch()
        let (right, wrong) = (FakeSource(), FakeSource())
        right.define(one, "<memif:port name='a' link='always'/>")
        let mark = RuntimeLayout(scratch.configuration).libvirtMark
        func stands() async throws {
            try await ControllerHarness(right, scratch, uri: "fake:///system").run { it in
                #expect(await eventually { it.controller.isSettled && it.backend.open.count == 1 })
            }
        }
        try await stands()
        try await ControllerHarness(wrong, scratch, uri: "fake:///session").run { it in
            #expect(
                await eventually {
                    guard case .disconnected(let reason) = it.controller.connection else {
                        return false
                    }
                    return reason.contains("of fake:///system, ") && reason.contains(mark)
                })
            #expect(it.backend.open.values.map(\.admission) == [.open])
            // It hears nothing from there, so there is nothing to look at.
            wrong.connect()
            #expect(it.controller.connection != .connected && wrong.reads == 0)
        }
        try await stands()

        // One that cannot be read tells nothing of what the records are of.
        try File.remove(mark)
        try Directory.ensure(mark, mode: 0o700)
        let unread = LibvirtMark(RuntimeLayout(scratch.configuration))
        let objection = unread.objection(to: "fake:///system", hasRecords: true)
        #expect(objection?.reason.contains("cannot be read") == true)
        #expect(unread.objection(to: "fake:///system", hasRecords: false) == nil)
        try Directory.remove(mark)
        try await ControllerHarness(wrong, scratch, uri: "fake:///session").run { it in
            #expect(await eventually { it.controller.isSettled && it.backend.open.isEmpty })
        }
        // Where nothing is recorded any libvirt is as good.
        try await ControllerHarness(wrong, scratch, uri: "fake:///third").run { it in
            #expect(await eventually { it.controller.connection == .connected })
        }
        let uri = try LibvirtMark(RuntimeLayout(scratch.configuration)).uri
        #expect(uri == "fake:///third")
    }

    @Test("a daemon at another runtime directory cannot take the same records")
    func claimedRecords() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            let second = ControllerHarness(FakeSource(), scratch) { $0.runtimeDirectory += "2" }
            let error = await #expect(throws: PortError.self) { try await second.controller.run() }
            #expect(error?.remedy.contains("--state-directory") == true)
            #expect(it.stands([one: ["a"]]))
        }
    }

    @Test("a record that is cut short costs nothing: libvirt says what is wanted")
    func corruptRecord() async throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        let source = FakeSource()
        source.define(one, "<memif:port name='a'/>")
        try Directory.ensurePath(layout.recordsDirectory)
        for vm in [one, two] { try File.replace(layout.record(of: vm), with: Array("{\"ver".utf8)) }
        try File.replace("\(layout.recordsDirectory)/note.txt", with: [])
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(
                await eventually {
                    let records = try? Directory.entries(of: layout.recordsDirectory)
                    return records == ["\(one).json", "note.txt"]
                })
            try File.remove("\(layout.recordsDirectory)/note.txt")
            #expect(await eventually { it.stands([one: ["a"]]) })
        }
    }

    @Test(
        "nothing is removed while libvirt cannot be asked, nor because a new connection lists nothing"
    )
    func freeze() async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        source.define(one, "<memif:port name='a' linger='0'/>")
        source.start(one)
        try await ControllerHarness.run(source, in: scratch, { $0.orphanGrace = .seconds(60) }) {
            it in
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            source.disconnect()
            source.stop(one, silently: true)
            source.undefine(one, silently: true)
            #expect(
                await eventually {
                    it.controller.status().connection
                        == .disconnected(reason: "the fake was told to go")
                })
            #expect(it.stands([one: ["a"]]))
            let reads = source.reads
            source.connect()
            #expect(await eventually { source.reads > reads && it.controller.isSettled })
            #expect(it.stands([one: ["a"]]))
            #expect(it.port(one, "a")?.admission == .open)
            source.define(one, "<memif:port name='a' linger='0'/>")
            #expect(
                await eventually {
                    it.port(one, "a")?.admission == .closed(reason: "domain shut off")
                })
            #expect(it.backend.opened == 1)
        }
    }

    @Test("a socket file that is taken away is told at once, and put back before long")
    func lost() async throws {
        try await ControllerHarness.run(in: Scratch(), { $0.pollInterval = .milliseconds(500) }) {
            it in
            it.source.define(one, "<memif:port name='a' link='always'/>")
            #expect(await eventually { it.condition(one, "a")?.state == .ready })
            #expect(await eventually { it.controller.isSettled })
            try File.remove(it.layout.socket(of: one, port: "a"))
            #expect(it.condition(one, "a")?.state == .degraded)
            #expect(await eventually { it.stands([one: ["a"]]) })
            #expect(await eventually { it.condition(one, "a")?.state == .ready })
        }
    }

    @Test("a change of which no event told is found by the poll or the next full look")
    func silence() async throws {
        try await ControllerHarness.run(in: Scratch(), { $0.resyncInterval = .milliseconds(200) }) {
            it in
            #expect(await eventually { it.controller.isSettled })
            it.source.define(one, "<memif:port name='a' linger='0'/>", silently: true)
            #expect(await eventually { it.stands([one: ["a"]]) })
            it.source.start(one, silently: true)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one, silently: true)
            #expect(await eventually { it.port(one, "a")?.admission != .open })
        }
    }

    @Test("another's files in a domain's directory are left alone, and so is the directory")
    func foreign() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            let note = it.layout.directory(of: one) + "/note"
            try File.replace(note, with: [1])
            it.source.undefine(one)
            #expect(await eventually { it.backend.open.isEmpty })
            #expect(try File.read(note, limit: 1) == [1])
            try File.remove(note)
            #expect(await eventually { it.stands([:]) })
        }
    }

    @Test("any sequence of operations and restarts ends with exactly the wanted sockets")
    func convergence() async throws {
        var random = SeededGenerator("any sequence of operations and restarts")
        let seed = random.seed
        let scratch = try Scratch()
        let source = FakeSource()
        for _ in 0..<6 {
            // Each round is one life of the daemon.
            try await ControllerHarness.run(source, in: scratch) { it in
                for _ in 0..<60 { Self.operate(source, &random) }
                source.connect()
                let settled = await eventually { Self.hasConverged(it, source) }
                #expect(settled, "seed \(seed): \(it.diagnosis), wanted \(source.expectation)")
            }
        }
    }

    private static func operate(_ source: FakeSource, _ random: inout SeededGenerator) {
        let vm = Sample.vm(UInt8.random(in: 1...6, using: &random))
        let silently = Int.random(in: 0..<5, using: &random) == 0
        switch Int.random(in: 0..<10, using: &random) {
        case 0, 1, 2:
            let names = ["a", "b", "c"].filter { _ in Bool.random(using: &random) }
            let attributes = [
                "linger='0'", "linger='20ms'", "linger='0' link='always'", "linger='0' id='3'",
            ]
            let ports = names.map { name in
                "<memif:port name='\(name)' \(attributes.randomElement(using: &random) ?? "")/>"
            }
            source.define(vm, ports.joined(), silently: silently)
        case 3, 4: source.start(vm, silently: silently)
        case 5:
            let end = [RunEnd.ordinary, .crashed, .failed, .migrated].randomElement(using: &random)
            source.stop(vm, end ?? .ordinary, silently: silently)
        case 6: source.undefine(vm, silently: silently)
        case 7: source.disconnect()
        case 8:
            let phases = [DomainPhase.starting, .paused, .moving, .crashed, .ending, .running]
            source.turn(vm, phases.randomElement(using: &random) ?? .running, silently: silently)
        default: source.connect()
        }
    }

    private static func hasConverged(_ it: ControllerHarness, _ source: FakeSource) -> Bool {
        let expectation = source.expectation
        return it.stands(expectation.mapValues { Set($0.ports.map(\.name)) })
            && expectation.allSatisfy { vm, wanted in
                wanted.ports.allSatisfy { port in
                    let standing = it.port(vm, port.name)
                    let isOpen = wanted.isActive || port.link == .always
                    return standing?.specification.declaration == port
                        && (standing?.admission == .open) == isOpen
                }
            }
    }
}

import LinuxIO
import Synchronization
import Testing

@testable import MemifController

@Suite("The controller, between fakes")
struct ControllerTests {
    private let one = Sample.vm(1)
    private let two = Sample.vm(2)
    private let shutOff = Admission.closed(reason: "domain shut off")

    @Test("from define to undefine: sockets follow the definition, links follow the run")
    func lifetimes() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(
                one,
                "<memif:port name='a' linger='0'/>"
                    + "<memif:port name='b' link='always' linger='0'/>")
            #expect(await eventually { it.stands([one: ["a", "b"]]) })
            #expect(await eventually { it.condition(one, "a")?.state == .waiting })
            #expect(it.port(one, "a")?.admission == shutOff)
            #expect(it.port(one, "b")?.admission == .open)
            let a = try #require(it.port(one, "a"))

            it.source.start(one)
            #expect(await eventually { a.admission == .open })
            #expect(await eventually { it.condition(one, "a")?.state == .ready })

            it.source.stop(one)
            #expect(await eventually { a.admission == shutOff })
            #expect(it.port(one, "b")?.admission == .open)
            #expect(it.port(one, "a") === a)

            it.source.undefine(one)
            #expect(await eventually { it.stands([:]) })
            #expect(a.closedWith == "domain undefined")
            #expect(await eventually { it.controller.status().ports.isEmpty })
        }
    }

    @Test("peers are served before the record says so: they do not wait for the disk")
    func servedFirst() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            let path = it.layout.record(of: one)
            let running = Mutex<[Bool]>([])
            it.backend.whenAdmitted { _ in
                let record = (try? File.read(path, limit: 1 << 16)).flatMap {
                    DomainRecord(decoding: $0)
                }
                running.withLock { $0.append(record?.isRunning ?? true) }
            }
            it.source.define(one, "<memif:port name='a'/>")
            #expect(await eventually { it.stands([one: ["a"]]) })
            it.source.start(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            #expect(await eventually { it.controller.isSettled })
            #expect(running.withLock(\.self) == [false])
            let written = try DomainRecord(decoding: File.read(path, limit: 1 << 16))
            #expect(written?.isRunning == true)
        }
    }

    @Test("mode, group and directory are as documented")
    func permissions() async throws {
        try await ControllerHarness.run(in: Scratch(), { $0.group = "no-such-group-here" }) { it in
            it.source.define(
                one, "<memif:port name='a'/><memif:port name='b' group='kvm' owner='1'/>")
            #expect(await eventually { it.stands([one: ["a", "b"]]) })
            let a = try FileStatus(path: it.layout.socket(of: one, port: "a"))
            let b = try FileStatus(path: it.layout.socket(of: one, port: "b"))
            #expect(a.permissions == 0o660 && b.permissions == 0o660)
            #expect(a.group == Accounts.currentGroup)
            #expect(b.group == Accounts.group("kvm"))
            #expect(b.user == 1)
            let directory = try FileStatus(path: it.layout.directory(of: one))
            #expect(directory.permissions == 0o3770)
            #expect(directory.group == Accounts.group("kvm"))
        }
    }

    @Test("who observes says what would be done, and touches nothing")
    func observing() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch, { $0.observes = true }) { it in
            it.source.define(
                one, "<memif:port name='a'/><memif:port name='b' group='no-such-group-here'/>")
            it.source.define(two, "")
            #expect(await eventually { it.condition(one, "a")?.state == .planned })
            #expect(it.condition(one, "a")?.reason.hasSuffix("domain shut off") == true)
            #expect(it.condition(one, "b")?.reason.contains("no-such-group-here") == true)
            it.source.start(one)
            #expect(
                await eventually { it.condition(one, "a")?.reason.hasSuffix("serve peers") == true }
            )
            it.source.stop(one)
            it.source.undefine(one)
            #expect(await eventually { it.controller.status().ports.isEmpty })
            #expect(it.backend.opened == 0)
        }
        #expect(try Directory.entries(of: scratch.path) == [])
    }

    @Test("a quick restart is no flap; the end of the linger is noticed by itself")
    func linger() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(
                one, "<memif:port name='a' linger='60s'/><memif:port name='b' linger='50ms'/>")
            it.source.start(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one)
            #expect(await eventually { it.port(one, "b")?.admission == shutOff })
            #expect(it.port(one, "a")?.admission == .open)
            it.source.start(one)
            #expect(await eventually { it.port(one, "b")?.admission == .open })
            #expect(it.backend.opened == 2)
        }
    }

    @Test("the end of a linger does not wait for a port beside it that cannot be opened")
    func lingerBesideFailure() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.backend.fail("b", true)
            it.source.define(one, "<memif:port name='a' linger='300ms'/><memif:port name='b'/>")
            it.source.start(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            // Long enough for pauses that are longer than the linger.
            #expect(
                await eventually { it.controller.statistics().looks[.failed, default: 0] > 4 })
            it.source.stop(one)
            #expect(await eventually { it.port(one, "a")?.admission == shutOff })
            #expect(it.condition(one, "b")?.state == .failed)
        }
    }

    @Test("a transient domain's sockets outlive it by their linger and no longer")
    func transient() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(
                one, "<memif:port name='a' linger='100ms'/><memif:port name='b' linger='0'/>")
            it.source.start(one)
            it.source.undefine(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one)
            #expect(await eventually { it.stands([:]) })
        }
    }

    @Test("undefined and defined again at once: sockets stand, and links that are to last")
    func redefined() async throws {
        let ports = "<memif:port name='a' link='always'/><memif:port name='b' linger='0'/>"
        try await ControllerHarness.run(in: Scratch(), { $0.orphanGrace = .seconds(60) }) { it in
            it.source.define(one, ports)
            it.source.start(one)
            #expect(await eventually { it.port(one, "b")?.admission == .open })
            it.source.undefine(one)
            it.source.stop(one)
            // The link that follows the run ends with it all the same.
            #expect(await eventually { it.port(one, "b")?.admission == shutOff })
            #expect(await eventually { it.controller.isSettled })
            #expect(it.stands([one: ["a", "b"]]))
            #expect(it.port(one, "a")?.admission == .open)
            it.source.define(one, ports)
            it.source.start(one)
            #expect(await eventually { it.port(one, "b")?.admission == .open })
            #expect(it.backend.opened == 2)
        }
    }

    @Test("a change of the live metadata holds at once, one of the definition at the next start")
    func change() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            it.source.start(one)
            #expect(await eventually { it.stands([one: ["a"]]) })
            let a = try #require(it.port(one, "a"))

            it.source.define(one, "<memif:port name='b'/>")
            #expect(await eventually { it.controller.isSettled })
            #expect(it.stands([one: ["a"]]))

            it.source.setLive(one, "<memif:port name='a' group='kvm'/><memif:port name='c'/>")
            #expect(await eventually { it.stands([one: ["a", "c"]]) })
            #expect(it.port(one, "a") === a)
            #expect(a.specification.group == Accounts.group("kvm"))

            it.source.setLive(one, "<memif:port name='a' id='5'/>")
            #expect(await eventually { it.port(one, "a")?.specification.declaration.id == 5 })
            #expect(a.closedWith == "port changed")

            it.source.stop(one)
            #expect(await eventually { it.stands([one: ["b"]]) })
        }
    }

    @Test("a malformed port keeps its last good state, says why, and the others go on")
    func malformed() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/><memif:port name='b'/>")
            it.source.start(one)
            #expect(await eventually { it.stands([one: ["a", "b"]]) })
            let a = try #require(it.port(one, "a"))
            it.source.setLive(
                one,
                "<memif:port name='a' queues='x'/><memif:port name='c'/><memif:port name='d' id='y'/>"
            )
            #expect(await eventually { it.stands([one: ["a", "c"]]) })
            #expect(it.port(one, "a") === a)
            #expect(await eventually { it.condition(one, "a")?.state == .degraded })
            #expect(
                it.condition(one, "a")?.reason
                    == "memif:port[1] 'a', attribute queues: 'x' is out of place")
            #expect(it.condition(one, "d")?.state == .failed)
            #expect(it.condition(one, "c")?.state == .ready)
            it.source.setLive(one, "<memif:port name='a'/>")
            #expect(await eventually { it.condition(one, "a")?.state == .ready })
            #expect(await eventually { it.stands([one: ["a"]]) })
        }
    }

    @Test("a port that fails harms no other, says why, and is tried again")
    func failure() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.backend.fail("a", true)
            it.source.define(
                one,
                "<memif:port name='a'/><memif:port name='b'/><memif:port name='c' group='no-such'/>"
                    + "<memif:port name='d' secret-ref='none'/>")
            #expect(await eventually { it.condition(one, "b")?.state == .waiting })
            #expect(it.condition(one, "a")?.state == .failed)
            #expect(it.condition(one, "c")?.reason == "this host has no group 'no-such'")
            #expect(it.condition(one, "d")?.reason.contains("secrets/none") == true)
            it.backend.fail("a", false)
            #expect(await eventually { it.condition(one, "a")?.state == .waiting })
            #expect(
                await eventually {
                    (try? SocketFile.probe(it.layout.socket(of: one, port: "a"))) == .live
                })
        }
    }

    @Test("a path over 107 bytes is told at define time")
    func longPath() async throws {
        let name = String(repeating: "n", count: 40)
        let runtime = "/run-" + String(repeating: "r", count: 40)
        let scratch = try Scratch()
        try await ControllerHarness.run(
            in: scratch, { $0.runtimeDirectory = scratch.path + runtime }
        ) { it in
            it.source.define(one, "<memif:port name='\(name)'/><memif:port name='a'/>")
            #expect(await eventually { it.condition(one, "a")?.state == .waiting })
            let condition = try #require(it.condition(one, name))
            #expect(condition.state == .failed)
            #expect(condition.reason.contains("and a socket's address holds 107"))
            #expect(condition.remedy.contains("--runtime-directory"))
        }
    }

    @Test("a directory that cannot be made is a condition of the ports concerned, and tried again")
    func unwritable() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            #expect(await eventually { it.controller.isSettled })
            let place = it.layout.directory(of: one)
            try File.replace(place, with: [])
            it.source.define(one, "<memif:port name='a'/>")
            it.source.define(two, "<memif:port name='a'/>")
            #expect(await eventually { it.condition(two, "a")?.state == .waiting })
            #expect(await eventually { it.condition(one, "a")?.state == .failed })
            #expect(it.condition(one, "a")?.reason.contains("directory") == true)
            try File.remove(place)
            #expect(await eventually { it.stands([one: ["a"], two: ["a"]]) })
        }
    }

    @Test("what is taken away or changed behind our back is put right at the next look")
    func repair() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/><memif:port name='b'/>")
            #expect(await eventually { it.stands([one: ["a", "b"]]) })
            try File.remove(it.layout.socket(of: one, port: "a"))
            try File.setMode(it.layout.socket(of: one, port: "b"), 0o600)
            it.source.lose()
            #expect(await eventually { it.stands([one: ["a", "b"]]) })
            #expect(
                await eventually {
                    (try? FileStatus(path: it.layout.socket(of: one, port: "b")))?.permissions
                        == 0o660
                })
        }
    }

    @Test("another daemon's directories are not touched")
    func claimed() async throws {
        let scratch = try Scratch()
        try await ControllerHarness.run(in: scratch) { it in
            #expect(await eventually { it.controller.isSettled })
            await #expect(throws: PortError.self) {
                try await ControllerHarness(FakeSource(), scratch).controller.run()
            }
            #expect(it.controller.isSettled)
        }
    }
}

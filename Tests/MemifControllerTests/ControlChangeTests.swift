import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Logging
import Synchronization
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("What the administrative socket changes")
struct ControlChangeTests {
    private let one = Sample.vm(1)

    private func declaration(_ attributes: KeyValuePairs<String, String>) -> [virtwire_attribute] {
        attributes.map { virtwire_attribute(name: XDRString($0.key), value: XDRString($0.value)) }
    }

    private func add(
        _ attributes: KeyValuePairs<String, String>, lifetime: UInt64 = 0, on link: Link
    ) async throws -> virtwire_port {
        let added = try await link.call(
            Virtwire.PORT_ADD,
            virtwire_port_add_args(
                vm: "vm-1", declaration: declaration(attributes), lifetime_ms: lifetime))
        return added.port
    }

    /// What a call is refused with.
    private func refusal(
        _ body: () async throws -> Void
    ) async -> String {
        do {
            try await body()
            return "not refused"
        } catch {
            return "\(error)"
        }
    }

    @Test("an added port stands when the call returns, as long as its domain is defined")
    func add() async throws {
        let scratch = try Scratch()
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
            let port = try await add(["name": "b", "queues": "2"], on: it.link)
            #expect(port.name.text == "b" && port.state.text == "Waiting")
            let path = it.layout.socket(of: one, port: "b")
            #expect(try SocketFile.probe(path) == .live)
            let first = it.backend.open[path]
            // Again, with something that changes under a link.
            _ = try await add(["name": "b", "queues": "2", "linger": "1s"], on: it.link)
            #expect(it.backend.open[path] === first)
            #expect(first?.specification.declaration.linger == .seconds(1))
        }
        // A record brings it back before libvirt is asked, and the domain's XML does not end it.
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(try await it.waits(for: "Waiting", of: "b"))
            it.source.lose()
            _ = try await add(["name": "c"], on: it.link)
            #expect(it.backend.open.count == 3)
            _ = try await it.link.call(
                Virtwire.PORT_REMOVE, virtwire_port_remove_args(vm: "vm-1", name: "c"))
            #expect(it.backend.open[it.layout.socket(of: one, port: "c")] == nil)
            #expect(it.backend.open.count == 2)
            it.source.undefine(one)
            #expect(await eventually { it.backend.open.isEmpty })
            it.source.define(one, "<memif:port name='a'/>")
            // What was added does not come back with it.
            let a = it.layout.socket(of: one, port: "a")
            #expect(await eventually { it.backend.open[a] != nil })
            #expect(try await it.waits(for: "Waiting", of: "a"))
            #expect(it.backend.open.count == 1)
        }
    }

    @Test("what cannot be had is refused with the reason, and leaves nothing")
    func refusals() async throws {
        let change: (inout HostConfiguration) -> Void = {
            $0.policy.fallback.ports = 2
            $0.policy.fallback.groups = []
        }
        try await ControlHarness.run(change) { it in
            it.source.define(one, "<memif:port name='a'/>")
            let isThere = try await it.waits(for: "Waiting", of: "a")
            #expect(isThere)
            let cases: [(KeyValuePairs<String, String>, String)] = [
                (["name": "a"], "the domain declares a port 'a' itself"),
                (["name": "b", "group": "kvm"], "rule 'default' allows none"),
                (["name": "b", "queues": "x"], "attribute queues: 'x' is out of place"),
                (["name": "b", "colour": "red"], "a port has no attribute 'colour'"),
                (["name": "b", "name": "c"], "attribute name is given twice"),
                (["name": "b", "secret-ref": "none"], "secrets/none"),
                (["queues": "1"], "attribute name"),
            ]
            for (attributes, words) in cases {
                let text = await refusal { _ = try await add(attributes, on: it.link) }
                #expect(text.contains(words), "\(text)")
            }
            it.backend.fail("b", true)
            let failure = await refusal { _ = try await add(["name": "b"], on: it.link) }
            #expect(failure.contains("the fake was told to fail"), "\(failure)")
            it.backend.fail("b", false)
            #expect(it.backend.open.count == 1)
            _ = try await add(["name": "b"], on: it.link)
            let third = await refusal { _ = try await add(["name": "c"], on: it.link) }
            #expect(third.contains("one more than the 2 that rule 'default' allows"), "\(third)")
            let declared = await refusal {
                _ = try await it.link.call(
                    Virtwire.PORT_REMOVE, virtwire_port_remove_args(vm: "vm-1", name: "a"))
            }
            #expect(declared.contains("was not added: the domain declares it"), "\(declared)")
            it.source.disconnect()
            let away = await refusal { _ = try await add(["name": "b"], on: it.link) }
            #expect(away.contains("libvirt cannot be asked"), "\(away)")
        }
    }

    @Test("a prepared port stands before its domain, becomes the domain's own, or ends in time")
    func prepare() async throws {
        try await ControlHarness.run { it in
            func prepare(_ vm: VMIdentifier, _ lifetime: UInt64) async throws -> virtwire_port {
                let prepared = try await it.link.call(
                    Virtwire.PREPARE,
                    virtwire_prepare_args(
                        vm_uuid: vm.wire, vm_name: "to-come",
                        declaration: declaration(["name": "a"]),
                        lifetime_ms: lifetime))
                return prepared.port
            }
            let port = try await prepare(one, 3_600_000)
            #expect(port.state.text == "Waiting" && port.vm_name.text == "to-come")
            let path = it.layout.socket(of: one, port: "a")
            let standing = try #require(it.backend.open[path])
            _ = try await prepare(one, 3_600_000)
            it.source.define(one, "<memif:port name='a'/>")
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            #expect(it.backend.open[path] === standing)

            _ = try await prepare(Sample.vm(2), 50)
            let other = it.layout.socket(of: Sample.vm(2), port: "a")
            #expect(await eventually { it.backend.open[other] == nil })
            #expect(await eventually { !File.exists(it.layout.record(of: Sample.vm(2))) })
            let endless = await refusal { _ = try await prepare(Sample.vm(3), 0) }
            #expect(endless.contains("has to have a lifetime"), "\(endless)")
        }
    }

    @Test("the read-only socket refuses what changes something, and says where to go")
    func readOnly() async throws {
        try await ControlHarness.run { it in
            let link = try ControlHarness.connect(it.layout.readOnlyControlSocket)
            #expect(try FileStatus(path: it.layout.readOnlyControlSocket).permissions == 0o666)
            let list = try await link.call(Virtwire.PROCEDURES, XDRVoid()).procedures
            let forbidden = list.filter { !$0.allowed }.map(\.name.text)
            #expect(
                forbidden == [
                    "PORT_ADD", "PREPARE", "PORT_REMOVE", "LOG_LEVEL", "DRAIN", "OPEN", "HAND_OVER",
                    "VM_DRAIN", "SETTINGS",
                ])
            #expect(list.contains { $0.name.text == "PROCEDURES" && $0.number == 3 })
            let text = await refusal {
                _ = try await link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
            }
            #expect(
                text.contains("DRAIN changes something, and this socket only answers questions"),
                "\(text)")
            let all = try await it.link.call(Virtwire.PROCEDURES, XDRVoid()).procedures
            #expect(all.filter { !$0.allowed }.isEmpty)
        }
    }

    @Test("every change has its lines in the audit log, before and after: who, what, how it went")
    func audit() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.log"
        let level = Mutex(Logger.Level.info)
        @Sendable func lines() throws -> [String] {
            String(decoding: try File.read(path, limit: 1 << 20), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        }
        let writtenBefore = Mutex<[String]?>(nil)
        let setting = LogLevelSetting { new in
            writtenBefore.withLock { $0 = $0 ?? (try? lines()) }
            return level.withLock { level in
                defer { level = new }
                return level
            }
        }
        try await ControlHarness.run(in: scratch, logLevel: setting, { $0.auditLog = path }) { it in
            func set(_ text: XDRString) async throws -> String {
                let answer = try await it.link.call(
                    Virtwire.LOG_LEVEL, virtwire_log_level_args(level: text))
                return answer.previous.text
            }
            #expect(try await set("debug") == "info")
            #expect(level.withLock(\.self) == .debug)
            let text = await refusal { _ = try await set("lo\nud") }
            #expect(text.contains("there is no log level"), "\(text)")
            _ = try await it.link.call(Virtwire.STATUS, XDRVoid())
            let written = try lines()
            #expect(written.count == 4)
            // Whoever is killed in the midst of it has left the first.
            #expect(writtenBefore.withLock(\.self) == [written[0]])
            for (line, outcome) in zip(written, ["begun", "done", "begun", "refused"]) {
                #expect(line.contains(#""procedure":"LOG_LEVEL""#))
                #expect(line.contains(#""outcome":"\#(outcome)""#))
                #expect(line.contains(#""uid":\#(Accounts.currentUser),"#))
                #expect(line.contains(#""user":"\#(Accounts.userName(Accounts.currentUser))""#))
            }
            let calls = written.map {
                $0.split(separator: #""call":""#).last?.prefix { $0 != "\"" }
            }
            #expect(calls[0] == calls[1] && calls[2] == calls[3] && calls[0] != calls[2])
            // Moved away, as log rotation does.
            try File.move(path, to: path + ".1")
            _ = try await set("info")
            #expect(!File.exists(path))
            it.daemon.reopenAuditLog()
            _ = try await set("error")
            #expect(try lines().count == 2)
        }
        try await ControlHarness.run(in: scratch) { _ in }
    }

    @Test("an audit log that cannot be written keeps the daemon from running, and says so")
    func auditNowhere() throws {
        let scratch = try Scratch()
        var configuration = scratch.configuration
        configuration.auditLog = scratch.path + "/no/such/directory/audit.log"
        #expect(configuration.problems().contains { $0.reason.contains("audit log") })
        let error = #expect(throws: PortError.self) {
            _ = try Daemon(
                configuration, uri: "fake:///", source: FakeSource(), backend: FakeBackend(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        #expect(error?.reason.contains("/no/such/directory") == true)
    }

    @Test("draining lets no new peer in, and lasts until it is ended")
    func drain() async throws {
        try await ControlHarness.run { it in
            it.source.define(
                one, "<memif:port name='a' linger='0'/><memif:port name='b' link='always'/>")
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "b"))
            let a = try #require(it.backend.open[it.layout.socket(of: one, port: "a")])
            let b = try #require(it.backend.open[it.layout.socket(of: one, port: "b")])
            let left = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
            #expect(left.links == 0)
            #expect(a.admission == .draining && b.admission == .draining)
            #expect(try await it.waits(for: "Draining", of: "a"))
            it.source.stop(one)
            #expect(await eventually { !a.admission.isServing })
            _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: false))
            #expect(b.admission == .open)
        }
    }

    @Test("the next daemon goes on draining, and serves again when that is ended")
    func drainOverRestart() async throws {
        let scratch = try Scratch()
        let declared = "<memif:port name='a' link='always'/>"
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, declared)
            #expect(try await it.waits(for: "Ready", of: "a"))
            _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
        }
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, declared)
            #expect(try await it.waits(for: "Draining", of: "a"))
            _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: false))
            #expect(try await it.waits(for: "Ready", of: "a"))
        }
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, declared)
            let isServed = try await it.waits(for: "Ready", of: "a")
            #expect(isServed)
        }
    }

    @Test(
        "one domain is drained beside the others, over restarts, until that is ended or it is gone")
    func drainOfDomain() async throws {
        let scratch = try Scratch()
        let two = Sample.vm(2)
        let declared = "<memif:port name='a' link='always'/>"
        func drain(_ vm: XDRString, _ drains: Bool = true, on link: Link) async throws -> UInt32 {
            try await link.call(
                Virtwire.VM_DRAIN, virtwire_vm_drain_args(vm: vm, drains: drains)
            ).links
        }
        func ports(_ link: Link) async throws -> [String] {
            try await link.call(Virtwire.STATUS, XDRVoid()).ports.map {
                "\($0.vm_name.text) \($0.state.text) \($0.remedy.text)"
            }
        }
        let drained = "vm-1 Draining virtwire drain vm-1 --end has peers served again"
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, declared)
            it.source.define(two, declared)
            #expect(try await eventually { try await ports(it.link).count == 2 })
            let left = try await drain("vm-1", on: it.link)
            #expect(left == 0)
            #expect(try await ports(it.link) == [drained, "vm-2 Ready "])
            let missing = await refusal { _ = try await drain("vm-3", on: it.link) }
            #expect(missing.contains("there is no domain 'vm-3'"), "\(missing)")
        }
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, declared)
            it.source.define(two, declared)
            #expect(try await eventually { try await ports(it.link) == [drained, "vm-2 Ready "] })
            // The host's end is not the domain's.
            _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
            let whole = "Draining virtwire drain --end has peers served again"
            #expect(try await ports(it.link) == ["vm-1 \(whole)", "vm-2 \(whole)"])
            _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: false))
            #expect(try await ports(it.link) == [drained, "vm-2 Ready "])
            #expect(try await drain("vm-1", false, on: it.link) == 0)
            #expect(try await ports(it.link) == ["vm-1 Ready ", "vm-2 Ready "])
            // A domain that is gone takes its mark along.
            _ = try await drain("vm-2", on: it.link)
            let marks = RuntimeLayout(scratch.configuration).drainedDomainsDirectory
            #expect(try Directory.entries(of: marks) == ["\(two)"])
            it.source.undefine(two)
            #expect(await eventually { (try? Directory.entries(of: marks)) == [] })
        }
    }

    @Test("of two that had a name, one after the other, the one that there is gets drained")
    func drainOfHeir() async throws {
        let scratch = try Scratch()
        let heir = try #require(VMIdentifier("ffffffff-0000-4000-8000-000000000001"))
        func ports(_ link: Link) async throws -> [String] {
            try await link.call(Virtwire.STATUS, XDRVoid()).ports.map {
                "\(VMIdentifier(bytes: $0.vm_uuid.bytes) ?? one)"
            }
        }
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a'/>")
            #expect(try await eventually { try await ports(it.link) == ["\(one)"] })
            it.source.undefine(one, silently: true)
            it.source.define(heir, "<memif:port name='a'/>")
            #expect(try await eventually { try await ports(it.link).contains("\(heir)") })
            _ = try await it.link.call(
                Virtwire.VM_DRAIN, virtwire_vm_drain_args(vm: "vm-1", drains: true))
            let marks = RuntimeLayout(scratch.configuration).drainedDomainsDirectory
            #expect(try Directory.entries(of: marks) == ["\(heir)"])
        }
    }

    @Test("the mark of a domain that went while no daemon ran is taken away")
    func drainOfGoneDomain() async throws {
        let scratch = try Scratch()
        let marks = RuntimeLayout(scratch.configuration).drainedDomainsDirectory
        try Directory.ensurePath(marks)
        try File.replace("\(marks)/\(one)", with: [])
        try await ControlHarness.run(in: scratch) { _ in
            #expect(await eventually { (try? Directory.entries(of: marks)) == [] })
        }
    }

    @Test("a drain that cannot be kept over a restart is refused, and nothing is drained")
    func drainWithoutRoom() async throws {
        let scratch = try Scratch()
        try await ControlHarness.run(in: scratch) { it in
            it.source.define(one, "<memif:port name='a' link='always'/>")
            #expect(try await it.waits(for: "Ready", of: "a"))
            let mark = RuntimeLayout(scratch.configuration).drainMark
            try Directory.ensurePath("\(mark).new")
            let error = await #expect(throws: RPCError.self) {
                _ = try await it.link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
            }
            #expect(error?.description.contains("over a restart") == true)
            #expect(try await it.waits(for: "Ready", of: "a"))
        }
    }
}

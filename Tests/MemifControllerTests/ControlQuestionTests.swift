import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("What the control sockets answer")
struct ControlQuestionTests {
    private let one = Sample.vm(1)

    @Test("the plan says what would be done and why, and nothing is done")
    func plan() async throws {
        try await ControlHarness.run { it in
            it.source.define(
                one, "<memif:port name='a'/><memif:port name='b'/><memif:port name='e'/>")
            #expect(try await it.waits(for: "Waiting", of: "e"))
            // Nobody tells the daemon of this before it looks at everything again.
            it.source.define(
                one,
                "<memif:port name='a' group='kvm'/><memif:port name='c'/>"
                    + "<memif:port name='d' group='no-such-group'/><memif:port name='x' id='y'/>"
                    + "<memif:port name='e' ring-size='8'/>",
                silently: true)
            let opened = it.backend.opened
            let plan = try await it.link.call(Virtwire.PLAN, virtwire_plan_args(vm: "vm-1"))
            let steps = plan.steps.map { "\($0.name.text) \($0.deed.text): \($0.reason.text)" }
            #expect(
                steps == [
                    "x refuse: memif:port[4] 'x', attribute id: 'y' is out of place",
                    "b close: would let peers go and remove the socket: port removed",
                    "a adjust: would change group, under the link",
                    "c open: would listen at \(it.layout.socket(of: one, port: "c")) and turn peers "
                        + "away: domain shut off",
                    "d fail: this host has no group 'no-such-group'",
                    "e reopen: would let peers go and listen anew, because no link can stand over a "
                        + "change of ring-size",
                ])
            #expect(plan.steps.allSatisfy { $0.vm_uuid.bytes == one.bytes })
            #expect(it.backend.opened == opened)
            #expect(it.backend.open.count == 3)

            it.source.lose()
            #expect(try await it.waits(for: "Waiting", of: "c"))
            let next = try await it.link.call(Virtwire.PLAN, virtwire_plan_args(vm: "\(one)"))
            let kept = next.steps.filter { $0.deed.text == "keep" }.map(\.name.text)
            #expect(kept == ["a", "c", "e"])
            it.source.undefine(one, silently: true)
            // Not before its grace is over.
            let last = try await it.link.call(Virtwire.PLAN, virtwire_plan_args(vm: ""))
            #expect(last.steps.map(\.deed.text) == ["fail", "keep", "keep", "keep"])
        }
    }

    @Test("a question about what is not there says so; one without libvirt says why")
    func missing() async throws {
        try await ControlHarness.run { it in
            it.source.define(one, "<memif:port name='a'/>")
            let isThere = try await it.waits(for: "Waiting", of: "a")
            #expect(isThere)
            let noDomain = await #expect(throws: RPCError.self) {
                _ = try await it.link.call(Virtwire.PLAN, virtwire_plan_args(vm: "nobody"))
            }
            #expect(noDomain?.description.contains("there is no domain 'nobody'") == true)
            let noPort = await #expect(throws: RPCError.self) {
                _ = try await it.link.call(
                    Virtwire.PORT, virtwire_port_args(vm: "vm-1", name: "z"))
            }
            #expect(noPort?.description.contains("has no port 'z'") == true)
            it.source.disconnect()
            let away = await #expect(throws: RPCError.self) {
                _ = try await it.link.call(Virtwire.PLAN, virtwire_plan_args(vm: ""))
            }
            #expect(away?.description.contains("libvirt cannot be asked: the fake") == true)
        }
    }

    @Test("one port is shown with what it stands by")
    func port() async throws {
        try await ControlHarness.run { it in
            it.source.define(one, "<memif:port name='a' queues='2' linger='3s'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
            let shown = try await it.link.call(
                Virtwire.PORT, virtwire_port_args(vm: XDRString("\(one)"), name: "a"))
            #expect(shown.port.name.text == "a" && shown.port.vm_name.text == "vm-1")
            let declaration = shown.declaration.map { "\($0.name.text)=\($0.value.text)" }
            #expect(declaration == ["linger=3000ms", "name=a", "queues=2"])
        }
    }

    @Test("counters are told per port and per queue, over the read-only socket too")
    func statistics() async throws {
        try await ControlHarness.run { it in
            it.source.define(one, "<memif:port name='a'/><memif:port name='b'/>")
            it.source.define(Sample.vm(2), "<memif:port name='c'/>")
            #expect(try await it.waits(for: "Waiting", of: "b"))
            #expect(try await it.waits(for: "Waiting", of: "c"))
            let port = try #require(it.backend.open[it.layout.socket(of: one, port: "a")])
            var traffic = PortTraffic()
            traffic.isLinkUp = true
            traffic.receivedPackets = 1 << 40
            traffic.droppedPackets = 7
            (traffic.connects, traffic.disconnects, traffic.refusals) = (3, 2, 1)
            port.traffic = traffic
            port.queues = [
                PortQueue(
                    isFromPeer: true, index: 1, ringSize: 256, packets: 5, bytes: 6, drops: 7,
                    fullBursts: 8, interrupts: 9, sleeps: 10)
            ]
            let link = try ControlHarness.connect(it.layout.readOnlyControlSocket)
            let all = try await link.call(Virtwire.STATISTICS, .init(vm: ""))
            #expect(all.time_ms > 0)
            #expect(
                all.ports.map { "\($0.vm_name.text)/\($0.name.text)" }
                    == ["vm-1/a", "vm-1/b", "vm-2/c"])
            let a = try #require(all.ports.first)
            #expect(a.link_up && a.rx_packets == 1 << 40 && a.drops == 7)
            #expect((a.connects, a.disconnects, a.refusals) == (3, 2, 1))
            let queue = try #require(a.queues.first)
            #expect(queue.from_peer && queue.index == 1 && queue.ring_size == 256)
            #expect((queue.packets, queue.bytes, queue.drops) == (5, 6, 7))
            #expect((queue.full_bursts, queue.interrupts, queue.sleeps) == (8, 9, 10))
            #expect(all.ports.dropFirst().allSatisfy { !$0.link_up && $0.queues.isEmpty })

            let one = try await link.call(Virtwire.STATISTICS, .init(vm: "vm-2"))
            #expect(one.ports.map(\.name.text) == ["c"])
            let missing = await #expect(throws: RPCError.self) {
                _ = try await link.call(Virtwire.STATISTICS, .init(vm: "nobody"))
            }
            #expect(missing?.description.contains("there is no domain 'nobody'") == true)
        }
    }

    @Test("a port's state has its time: that of the link, once one has come up or ended")
    func since() async throws {
        try await ControlHarness.run { it in
            it.source.define(one, "<memif:port name='a'/>")
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            let ready = try await it.link.call(Virtwire.STATUS, XDRVoid()).ports[0].since_ms
            #expect(ready > 0)
            let port = try #require(it.backend.open[it.layout.socket(of: one, port: "a")])
            port.traffic.isLinkUp = true
            port.traffic.linkChanged = Int64(ready) + 5000
            let connected = try await it.link.call(Virtwire.STATUS, XDRVoid()).ports[0]
            #expect(connected.state.text == "Connected" && connected.since_ms == ready + 5000)
            port.traffic.isLinkUp = false
            port.traffic.linkChanged = Int64(ready) + 7000
            let again = try await it.link.call(Virtwire.STATUS, XDRVoid()).ports[0]
            #expect(again.state.text == "Ready" && again.since_ms == ready + 7000)
        }
    }

    @Test("a watch begins with the status, and every change has its event")
    func watch() async throws {
        try await ControlHarness.run { it in
            it.source.define(one, "<memif:port name='a' linger='0'/>")
            #expect(try await it.waits(for: "Waiting", of: "a"))
            let events = ReceivedEvents()
            let link = try ControlHarness.connect(
                it.layout.readOnlyControlSocket, handlers: events.handlers)
            let begin = try await link.call(Virtwire.WATCH, XDRVoid()).status
            #expect(begin.ports.map(\.name.text) == ["a"])
            // A second call is answered, and does not double the events.
            _ = try await link.call(Virtwire.WATCH, XDRVoid())

            it.source.start(one)
            #expect(
                try await eventually { try events.ports.last?.ports.first?.state.text == "Ready" })
            it.source.undefine(one)
            it.source.stop(one)
            #expect(try await eventually { try events.ports.last?.ports.isEmpty == true })
            #expect(try events.ports.last?.vm_name.text == "vm-1")
            #expect(try events.ports.allSatisfy { $0.vm_uuid.bytes == one.bytes })
            it.source.disconnect()
            #expect(try await eventually { try events.libvirt.last?.connected == false })
            #expect(try events.libvirt.last?.error.text == "the fake was told to go")
            it.source.connect()
            #expect(try await eventually { try events.libvirt.last?.connected == true })
            #expect(try events.libvirt.count == 2)
        }
    }

    @Test("a watcher that does not read costs little, and sees how much it has missed")
    func slowWatcher() async throws {
        try await ControlHarness.run { it in
            let events = ReceivedEvents()
            let carrier = try ControlHarness.carrier(it.layout.readOnlyControlSocket)
            let link = Link.start(
                carrier, timers: try RealDaemon.loop.get(), handlers: events.handlers)
            _ = try await link.call(Virtwire.WATCH, XDRVoid())
            carrier.setReading(false)
            // Sixty findings: an event of twenty kilobytes, and more of them than may wait.
            let rounds = 150
            for round in 1...rounds {
                let value = "-\(round)-" + String(repeating: "x", count: 50)
                it.source.define(
                    one,
                    (0..<60).map { "<memif:port name='p\($0)' queues='\(value)'/>" }.joined())
                let isThere = try await eventually {
                    let status = try await it.link.call(Virtwire.STATUS, XDRVoid())
                    return status.ports.last?.reason.text.contains("-\(round)-") == true
                }
                #expect(isThere)
            }
            carrier.setReading(true)
            let isComplete = try await eventually {
                try events.ports.last?.ports.last?.reason.text.contains("-\(rounds)-") == true
            }
            #expect(isComplete)
            let merged = try events.ports.map { Int($0.merged) }
            #expect(merged.reduce(0, +) + merged.count == rounds)
            #expect(merged.contains { $0 > 0 })
            #expect(link.failure == nil)
        }
    }
}

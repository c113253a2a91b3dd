import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwired that goes on in the place of another", .serialized, .timeLimit(.minutes(20)))
struct TakeOverTests {
    /// How often: each is the start of a process.
    private static let rounds = 100

    @Test("a hundred times while DPDK sends: no DISCONNECT, and both ends count the same")
    func hundred() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        var daemon = try await DaemonProcess(in: libvirtd.scratch)
        let traffic = try await SendingDomain(libvirtd, daemon)
        for round in 1...Self.rounds {
            let next = try await DaemonProcess(takingOverFrom: daemon)
            #expect(await daemon.process.waitForEnd() == 0, "\(daemon.process.output)")
            daemon = next
            #expect(await traffic.flows(to: daemon), "round \(round): \(daemon.process.output)")
        }
        try await traffic.end(at: daemon)
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(try Directory.entries(of: daemon.layout.domainsDirectory) == [])
    }

    @Test("where nobody runs it starts as usual, and what it took over goes on as its own")
    func lifecycle() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let first = try await DaemonProcess(in: libvirtd.scratch, ["--take-over"])
        let domain = try await libvirtd.define(
            "<memif:port name='a' linger='0'/><memif:port name='b'/>")
        _ = try await domain.create()
        #expect(await eventually { await first.port("a")?.state.text == "Ready" })
        let slave = try RealDaemon.slave(first.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        #expect(await eventually { await first.port("a")?.state.text == "Connected" })
        let peer = try #require(await first.port("a"))

        let second = try await DaemonProcess(takingOverFrom: first)
        #expect(await first.process.waitForEnd() == 0)
        #expect(await eventually { await second.port("a")?.state.text == "Connected" })
        let port = try #require(await second.port("a"))
        #expect(port.peer_pid == peer.peer_pid && port.peer_uid == peer.peer_uid)
        #expect(port.since_ms == peer.since_ms)
        #expect(link.isUp && second.stands(["a", "b"]))
        // A port that is declared otherwise now, and one that is no more.
        try await libvirtd.set("<port name='a' linger='0'/>", of: domain, .live)
        #expect(await eventually { second.stands(["a"]) })
        #expect(link.isUp)
        try await domain.destroy()
        #expect(await eventually { link.end?.reason.text == "domain shut off" })
        second.process.signal(15)
        #expect(await second.process.waitForEnd() == 0)
    }

    @Test("sixty-four links without libvirt, twice in a row: more descriptors than a message has")
    func many() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let first = try await DaemonProcess(in: libvirtd.scratch)
        let names = (0..<32).map { "p\($0)" }
        let ports = names.map { "<memif:port name='\($0)' link='always'/>" }.joined()
        let vms = [Sample.vm(1), Sample.vm(2)]
        for vm in vms { _ = try await libvirtd.define(ports, vm: vm) }
        #expect(await eventually { vms.allSatisfy { first.stands(Set(names), vm: $0) } })
        let slaves = try vms.flatMap { vm in
            try names.map { try RealDaemon.slave(first.layout.socket(of: vm, port: $0)) }
        }
        let areUp = await eventually(within: .seconds(60)) {
            slaves.allSatisfy { $0.link != nil }
        }
        #expect(areUp)
        let links = slaves.compactMap(\.link)

        libvirtd.kill()
        var daemon = first
        for _ in 0..<2 {
            let next = try await DaemonProcess(takingOverFrom: daemon)
            #expect(await daemon.process.waitForEnd() == 0)
            daemon = next
            let all = try await RealDaemon.status(daemon.layout).ports
            #expect(all.count == 64 && all.allSatisfy { $0.state.text == "Connected" })
        }
        #expect(links.count == 64 && links.allSatisfy(\.isUp))
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await eventually { links.allSatisfy { !$0.isUp } })
        #expect(links.allSatisfy { $0.end?.reason.text == "daemon stopping" })
    }

    @Test("draining, and a port that was added, go on as well")
    func draining() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let first = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("<memif:port name='a'/>")
        _ = try await domain.create()
        #expect(await eventually { await first.port("a")?.state.text == "Ready" })
        let link = try ControlHarness.connect(first.layout.controlSocket)
        let attributes = [virtwire_attribute(name: "name", value: "b")]
        _ = try await link.call(
            Virtwire.PORT_ADD,
            virtwire_port_add_args(vm: "vm-1", declaration: attributes, lifetime_ms: 0))
        _ = try await link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
        link.close()
        let second = try await DaemonProcess(takingOverFrom: first)
        #expect(await first.process.waitForEnd() == 0)
        #expect(await eventually { await second.port("b")?.state.text == "Draining" })
        #expect(await second.port("a")?.state.text == "Draining")
        second.process.signal(15)
        #expect(await second.process.waitForEnd() == 0)
    }

    @Test("who may only administer cannot take over, and the daemon goes on")
    func group() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let own = Accounts.groupName(Accounts.currentGroup)
        let first = try await DaemonProcess(in: libvirtd.scratch, ["--admin-group", own])
        // In the socket's group, and neither root nor the daemon's user, with all rights besides.
        for directory in ["run", "state"] {
            try File.setMode("\(libvirtd.scratch.path)/\(directory)", 0o777)
        }
        let (status, output) = try await DaemonProcess.run(
            ["setpriv", "--reuid=65534", "--regid=\(Accounts.currentGroup)", "--clear-groups"]
                + [DaemonProcess.program, "--take-over"] + DaemonProcess.flags(libvirtd.scratch))
        #expect(status == 1)
        #expect(output.contains("only root, and the user whose daemon this is"), "\(output)")
        #expect((try? await RealDaemon.status(first.layout)) != nil)
        first.process.signal(15)
        #expect(await first.process.waitForEnd() == 0)
    }

    @Test("a daemon that may not give its socket to the group starts and takes over all the same")
    func groupOutOfReach() async throws {
        let scratch = try Scratch()
        let directories = ["run", "state"].map { "\(scratch.path)/\($0)" }
        let made = try await DaemonProcess.run(["install", "-d", "-o", "65534"] + directories)
        try #require(made.status == 0, "\(made.output)")
        let user = [
            "env", "VIRTWIRED_ADMIN_GROUP=root", "setpriv", "--reuid=65534", "--regid=65534",
            "--clear-groups",
        ]
        var daemon = try await DaemonProcess(in: scratch, under: user)
        for _ in 0..<2 {
            let socket = try FileStatus(path: daemon.layout.controlSocket)
            #expect(socket.permissions == 0o600 && socket.user == 65534)
            #expect(daemon.process.output.contains("cannot be given to the group"))
            let last = daemon
            daemon = try await DaemonProcess(takingOverFrom: last, under: user)
            #expect(await last.process.waitForEnd() == 0)
        }
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("a successor that may serve less closes what the policy refuses, and says so")
    func policy() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let first = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define(
            "<memif:port name='a' link='always'/><memif:port name='b' link='always'/>")
        #expect(await eventually { first.stands(["a", "b"]) })
        let slaves = try ["a", "b"].map {
            try RealDaemon.slave(first.layout.socket(of: Sample.vm(1), port: $0))
        }
        #expect(await eventually { slaves.allSatisfy { $0.link != nil } })
        let links = slaves.compactMap(\.link)
        let second = try await DaemonProcess(
            takingOverFrom: first, under: ["env", "VIRTWIRED_POLICY_DEFAULT_PORTS=1"])
        #expect(await first.process.waitForEnd() == 0)
        #expect(await eventually { second.stands(["a"]) })
        #expect(await eventually { links.last?.end?.reason.text == "port removed" })
        #expect(links.first?.isUp == true)
        second.process.signal(15)
        #expect(await second.process.waitForEnd() == 0)
    }
}

extension DaemonProcess {
    /// Starts one that goes on in another's place, and waits until the other has ended and it answers.
    init(takingOverFrom other: DaemonProcess, under wrapper: [String] = []) async throws {
        scratch = other.scratch
        layout = other.layout
        let process = try await ChildProcess(
            wrapper + [Self.program, "--take-over"] + Self.flags(other.scratch))
        self.process = process
        let layout = layout
        let hasEnded = await eventually(within: .seconds(60)) {
            other.process.status != nil || process.status != nil
        }
        try #require(hasEnded && process.status == nil, "\(process.output)")
        let isReady = await eventually(within: .seconds(60)) {
            (try? await RealDaemon.status(layout)) != nil
        }
        try #require(isReady, "\(process.output)")
    }
}

/// A running domain with one port, to which a real testpmd sends as fast as it can.
struct SendingDomain {
    private let testpmd: Testpmd

    init(_ libvirtd: PrivateLibvirtd, _ daemon: DaemonProcess) async throws {
        let domain = try await libvirtd.define("<memif:port name='a' linger='0'/>")
        _ = try await domain.create()
        #expect(await eventually { await daemon.port("a")?.state.text == "Ready" })
        var options = Testpmd.Options(
            .slave, path: daemon.layout.socket(of: Sample.vm(1), port: "a"))
        options.forwarding = .transmit
        testpmd = try await Testpmd(options)
        let flows = await eventually(within: .seconds(60)) {
            await daemon.port("a")?.rx_packets ?? 0 > 0
        }
        try #require(flows, "\(testpmd.output)")
    }

    /// Whether frames arrive that had not been there before.
    func flows(to daemon: DaemonProcess) async -> Bool {
        var before: UInt64?
        return await eventually(within: .seconds(60)) {
            guard let port = await daemon.port("a"), port.state.text == "Connected" else {
                return false
            }
            guard let first = before else {
                before = port.rx_packets
                return false
            }
            return port.rx_packets > first + 1000
        }
    }

    /// Ends testpmd and compares what the two ends have counted.
    ///
    /// - Parameter afterCrash: whether a daemon has taken what it had counted with it.
    func end(at daemon: DaemonProcess, afterCrash: Bool = false) async throws {
        let sent = UInt64((await testpmd.stop()).sentPackets)
        #expect(await eventually { await daemon.port("a")?.state.text == "Ready" })
        let port = try #require(await daemon.port("a"))
        #expect(afterCrash ? port.rx_packets < sent : port.rx_packets == sent)
        #expect(sent > 0)
        #expect(port.drops == 0)
        let link = try ControlHarness.connect(daemon.layout.controlSocket)
        defer { link.close() }
        let shown = try await link.call(
            Virtwire.PORT, virtwire_port_args(vm: XDRString("\(Sample.vm(1))"), name: "a"))
        #expect(shown.connects == 1, "\(shown.last_disconnect.text)")
    }
}

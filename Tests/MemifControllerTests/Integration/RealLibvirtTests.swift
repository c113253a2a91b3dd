import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("The daemon with a real libvirtd", .serialized)
struct RealLibvirtTests {
    private let vm = Sample.vm(1)

    @Test("define, start, metadata live and config, redefine while running, destroy, undefine")
    func lifecycle() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let domain = try await libvirtd.define("<memif:port name='a' linger='0'/>")
            #expect(await eventually { it.stands(["a"]) })
            #expect(await eventually { await it.state("a") == "Waiting" })
            let slave = try it.slave("a")
            #expect(await eventually { slave.lastEnd?.reason.text == "domain shut off" })

            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Connected" })
            #expect(await eventually { slave.link != nil })
            let link = try #require(slave.link)

            try await libvirtd.set("<port name='a' linger='0'/><port name='b'/>", of: domain, .live)
            #expect(await eventually { it.stands(["a", "b"]) })
            try await libvirtd.set("<port name='c'/>", of: domain, .config)
            _ = try await libvirtd.define("<memif:port name='d' linger='0'/>")
            // A look that came after both shows that neither has changed anything.
            try await libvirtd.set("<port name='a' linger='0'/><port name='e'/>", of: domain, .live)
            #expect(await eventually { it.stands(["a", "e"]) })
            #expect(link.isUp)

            try await domain.destroy()
            #expect(await eventually { it.stands(["d"]) })
            #expect(await eventually { link.end?.reason.text == "port removed" })
            try await domain.undefine()
            #expect(await eventually { it.stands([]) })
            let isClean = try await eventually {
                try Directory.entries(of: it.layout.domainsDirectory) == []
                    && Directory.entries(of: it.layout.recordsDirectory) == []
            }
            #expect(isClean)
        }
    }

    @Test("undefine of a running domain changes nothing before it stops; a transient one likewise")
    func transient() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let domain = try await libvirtd.create("<memif:port name='a' linger='0'/>")
            #expect(await eventually { await it.state("a") == "Ready" })
            try await domain.destroy()
            #expect(await eventually { it.stands([]) })

            let other = try await libvirtd.define("<memif:port name='b' linger='0'/>")
            _ = try await other.create()
            #expect(await eventually { await it.state("b") == "Ready" })
            let slave = try it.slave("b")
            #expect(await eventually { slave.link != nil })
            let link = try #require(slave.link)
            try await other.undefine()
            try await libvirtd.set(
                "<port name='b' linger='0'/><port name='c' linger='0'/>", of: other, .live)
            #expect(await eventually { it.stands(["b", "c"]) })
            #expect(link.isUp)
            try await other.destroy()
            #expect(await eventually { it.stands([]) })
            #expect(await eventually { link.end?.reason.text == "domain shut off" })
        }
    }

    @Test("metadata that is not what the schema says: the domain runs on, the status says what")
    func malformed() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let domain = try await libvirtd.define(
                "<memif:port name='a'/><memif:port name='b' ring-size='1000'/>")
            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Ready" })
            let port = try #require(await it.port("b"))
            #expect(port.state.text == "Failed")
            #expect(
                port.reason.text
                    == "memif:port[2] 'b', attribute ring-size: '1000' is out of place")
            #expect(port.remedy.text == "write a power of two from 2 to 16384")
            #expect(try await domain.isActive())
            try await libvirtd.set("<port name='a' mode='x'/>", of: domain, .live)
            #expect(await eventually { await it.state("a") == "Degraded" })
            #expect(it.stands(["a"]))
        }
    }

    @Test("testpmd is served while the domain runs, and is told when it is destroyed")
    func testpmd() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let domain = try await libvirtd.define(
                "<memif:port name='a' attach='responder' address='192.0.2.1/24' linger='0'/>")
            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Ready" })
            var options = Testpmd.Options(
                .slave, path: it.layout.socket(of: vm, port: "a"))
            options.forwarding = .transmit
            var line = Testpmd.commandLine(options)
            line.insert("--log-level=pmd.net.memif:debug", at: 1)
            let peer = try await ChildProcess(line)
            #expect(
                await eventually(within: .seconds(60)) {
                    await it.port("a")?.rx_packets ?? 0 > 1000
                },
                "\(peer.output)")
            let port = try #require(await it.port("a"))
            #expect(port.peer_pid == UInt32(peer.processID))
            #expect(port.rx_bytes >= 60 * port.rx_packets)
            try await domain.destroy()
            #expect(await eventually { peer.output.contains("domain shut off") }, "\(peer.output)")
            #expect(await eventually { await it.state("a") == "Waiting" })
            peer.signal(2)
            await peer.waitForEnd()
        }
    }

    @Test("a restart of libvirtd flaps no link; what has gone with it goes after the grace")
    func libvirtdRestart() async throws {
        let scratch = try Scratch()
        var libvirtd = try await PrivateLibvirtd(in: scratch)
        let ports = "<memif:port name='a' linger='60s'/>"
        try await RealDaemon.run(in: scratch, { $0.orphanGrace = .seconds(3) }) { it in
            let domain = try await libvirtd.define(ports)
            _ = try await domain.create()
            _ = try await libvirtd.define("<memif:port name='x' linger='0'/>", vm: Sample.vm(2))
            #expect(await eventually { it.stands(["x"], vm: Sample.vm(2)) })
            #expect(await eventually { await it.state("a") == "Ready" })
            let slave = try it.slave("a")
            #expect(await eventually { slave.link != nil })
            let link = try #require(slave.link)

            libvirtd.kill()
            #expect(await eventually { (try? await it.status().libvirt_connected) == false })
            #expect(link.isUp && it.stands(["a"]) && it.stands(["x"], vm: Sample.vm(2)))
            // The status names what is tried now.
            #expect(
                await eventually {
                    (try? await it.status().libvirt_error.text.contains("libvirt-sock")) == true
                })

            // The test driver forgets its domains: one comes back in time, the other does not.
            libvirtd = try await PrivateLibvirtd(in: scratch)
            _ = try await libvirtd.define(ports).create()
            #expect(await eventually { (try? await it.status().libvirt_connected) == true })
            #expect(await eventually { it.stands([], vm: Sample.vm(2)) })
            #expect(link.isUp && it.stands(["a"]))
        }
    }

    @Test("without libvirtd the daemon says so and waits; when it comes the sockets are there")
    func absent() async throws {
        let scratch = try Scratch()
        try await RealDaemon.run(in: scratch) { it in
            #expect(await eventually { (try? await it.status().libvirt_error.isEmpty) == false })
            let status = try await it.status()
            #expect(!status.libvirt_connected && status.ports.isEmpty)
            let libvirtd = try await PrivateLibvirtd(in: scratch)
            _ = try await libvirtd.define("<memif:port name='a'/>")
            #expect(await eventually { it.stands(["a"]) })
        }
    }
}

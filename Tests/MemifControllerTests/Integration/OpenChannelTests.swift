import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("A channel handed over", .serialized)
struct OpenChannelTests {
    @Test("a client that never opens the socket's path gets a link, and is seen as the peer")
    func open() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let it = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("<memif:port name='a' id='7' linger='0'/>")
        #expect(await eventually { await it.port("a")?.state.text == "Waiting" })
        let link = try ControlHarness.connect(it.layout.controlSocket)
        let vm = XDRString(Sample.vm(1).description)
        let early = await #expect(throws: RPCError.self) {
            _ = try await link.call(Virtwire.OPEN, virtwire_open_args(vm: vm, name: "a"))
        }
        #expect(early?.description.contains("serves nobody: domain shut off") == true)
        _ = try await domain.create()
        #expect(await eventually { await it.port("a")?.state.text == "Ready" })

        let opened = try await link.callReturningDescriptors(
            Virtwire.OPEN, virtwire_open_args(vm: vm, name: "a"))
        #expect(opened.result.id == 7 && opened.result.mode.text == "ethernet")
        #expect(!opened.result.needs_secret)
        #expect(opened.descriptors?.count == 1)
        guard let descriptor = opened.descriptors?.takeFirst() else { return }
        let slave = try MemifInterface.connect(
            over: UnixSocket(adopting: descriptor),
            InterfaceConfiguration(id: opened.result.id), on: RealDaemon.loop.get())
        #expect(await eventually { slave.link != nil })
        #expect(await eventually { await it.port("a")?.state.text == "Connected" })
        let port = try #require(await it.port("a"))
        #expect(port.peer_pid == UInt32(getpid()) && port.peer_uid == getuid())
        try await domain.destroy()
        #expect(await eventually { slave.link == nil })
        link.close()
        it.process.signal(15)
        #expect(await it.process.waitForEnd() == 0)
    }
}

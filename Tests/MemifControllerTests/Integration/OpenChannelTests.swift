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

    @Test("virtwire memif open runs a program that is a slave over the channel, in its own place")
    func command() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let it = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("<memif:port name='a' id='7' linger='0'/>")
        #expect(await eventually { await it.port("a")?.state.text == "Waiting" })
        let virtwire = String(DaemonProcess.program.dropLast())
        let vm = Sample.vm(1).description
        func open(
            _ port: String, _ command: [String]
        ) async throws -> (status: Int32?, output: String) {
            try await DaemonProcess.run(
                [
                    virtwire, "memif", "open", "--runtime-directory", "\(it.scratch.path)/run",
                    vm, port,
                ] + command)
        }
        let bench = [
            virtwire, "memif", "bench", "--role", "slave", "--socket", "fd:3", "--mode", "tx",
            "--seconds", "1",
        ]
        let early = try await open("a", ["--"] + bench)
        #expect(early.status == 1 && early.output.contains("domain shut off"), "\(early.output)")
        #expect(try await open("z", ["--"] + bench).status == 3)
        let nothing = try await open("a", [])
        #expect(nothing.status == 2 && nothing.output.contains("say what to run"))
        _ = try await domain.create()
        #expect(await eventually { await it.port("a")?.state.text == "Ready" })
        let missing = try await open("a", ["--", "no-such-program"])
        #expect(missing.status == 3)
        #expect(missing.output.contains("cannot start no-such-program"), "\(missing.output)")

        let sent = try await open("a", ["--"] + bench)
        #expect(sent.status == 0, "\(sent.output)")
        #expect(await it.port("a")?.rx_packets ?? 0 > 0)
        let told = "exit $((VIRTWIRE_MEMIF_ID + LISTEN_FDS))"
        #expect(try await open("a", ["--", "sh", "-c", told]).status == 8)
        it.process.signal(15)
        #expect(await it.process.waitForEnd() == 0)
    }

    @Test("a channel that was not passed is said so", arguments: ["fd:9", "fd:two", "fd:2"])
    func notPassed(socket: String) async throws {
        let virtwire = String(DaemonProcess.program.dropLast())
        let ended = try await DaemonProcess.run(
            [virtwire, "memif", "bench", "--role", "slave", "--socket", socket, "--mode", "tx"])
        if socket == "fd:9" {
            #expect(ended.status == 1)
            #expect(ended.output.contains("no socket has been passed as fd:9"), "\(ended.output)")
        } else {
            #expect(ended.status == 2)
            #expect(ended.output.contains("is no passed channel"), "\(ended.output)")
        }
    }

    @Test(
        "a channel that is opened while another tries to take over comes to its link all the same")
    func race() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            let names = (0..<16).map { "p\($0)" }
            _ = try await libvirtd.define(
                names.map { "<memif:port name='\($0)' link='always'/>" }.joined())
            #expect(await eventually { it.stands(Set(names)) })
            let layout = it.layout
            let link = try ControlHarness.connect(layout.controlSocket)
            let vm = XDRString(Sample.vm(1).description)
            // A socket's file is there a moment before the port is told of.
            for name in names {
                let port = virtwire_port_args(vm: vm, name: XDRString(name))
                #expect(await eventually { (try? await link.call(Virtwire.PORT, port)) != nil })
            }
            // Each goes as soon as it is there, and the daemon goes on.
            let asking = Task {
                while !Task.isCancelled { _ = try? await HandOverTests.ask(layout) }
            }
            for name in names {
                let opened = try await link.callReturningDescriptors(
                    Virtwire.OPEN, virtwire_open_args(vm: vm, name: XDRString(name)))
                let descriptor = try #require(opened.descriptors).takeAll()
                let slave = try Self.slave(descriptor)
                #expect(await eventually { slave.link != nil }, "\(name)")
                #expect(slave.link?.isUp == true && slave.lastEnd == nil, "\(name)")
            }
            asking.cancel()
            await asking.value
            link.close()
        }
    }

    private static func slave(
        _ descriptors: consuming DescriptorQueue
    ) throws -> MemifInterface {
        guard let descriptor = descriptors.popFirst() else {
            throw SystemError(code: EBADF, operation: "take a channel")
        }
        return try MemifInterface.connect(
            over: UnixSocket(adopting: descriptor), InterfaceConfiguration(),
            on: RealDaemon.loop.get())
    }
}

import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwired as a process", .serialized)
struct DaemonProcessTests {
    @Test("killed with -9 and started again, it has exactly the right sockets")
    func kill9() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let one = try await libvirtd.define("<memif:port name='a'/><memif:port name='b'/>")
        let two = try await libvirtd.define("<memif:port name='a'/>", vm: Sample.vm(2))
        _ = try await one.create()
        #expect(
            await eventually {
                daemon.stands(["a", "b"]) && daemon.stands(["a"], vm: Sample.vm(2))
            })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })

        daemon.process.kill()
        await daemon.process.waitForEnd()
        #expect(await eventually { slave.link == nil })
        let stale = daemon.layout.socket(of: Sample.vm(1), port: "b")
        #expect(try SocketFile.probe(stale) == .stale)
        // Meanwhile one has changed and two has gone.
        try await two.undefine()
        try await libvirtd.set("<port name='a'/><port name='c'/>", of: one, .live)

        let next = try await DaemonProcess(in: libvirtd.scratch)
        #expect(await eventually { next.stands(["a", "c"]) })
        #expect(await eventually { next.stands([], vm: Sample.vm(2)) })
        #expect(await eventually { slave.link != nil })
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test("SIGTERM ends it with 0: peers are told, sockets are gone, and a start has them back")
    func terminate() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let daemon = try await DaemonProcess(in: scratch)
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)

        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await eventually { link.end?.reason.text == "daemon stopping" })
        #expect(try Directory.entries(of: daemon.layout.domainsDirectory) == [])
        #expect(try SocketFile.probe(daemon.layout.controlSocket) == .absent)

        // Without libvirtd the records alone have them back.
        libvirtd.kill()
        let next = try await DaemonProcess(in: scratch)
        #expect(next.stands(["a"]))
        next.process.signal(2)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test("a second daemon at the same directories ends with 1 and says what to do")
    func second() async throws {
        let scratch = try Scratch()
        let daemon = try await DaemonProcess(in: scratch)
        let (status, output) = try await DaemonProcess.run(
            [DaemonProcess.program] + DaemonProcess.flags(scratch))
        #expect(status == 1)
        #expect(output.contains("if another virtwired serves it, stop that one"), "\(output)")
        #expect((try? await RealDaemon.status(daemon.layout)) != nil)
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("a directory that it may not write ends it with 1 and a sentence; --check finds it first")
    func unwritable() async throws {
        let scratch = try Scratch()
        // As nobody, who can write nothing there: root could.
        let arguments =
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", DaemonProcess.program]
            + DaemonProcess.flags(scratch)
        for extra in [[], ["--check"]] {
            let (status, output) = try await DaemonProcess.run(arguments + extra)
            #expect(status == 1)
            #expect(output.contains("\(scratch.path)/run cannot be used"), "\(output)")
            #expect(output.contains("--runtime-directory"), "\(output)")
        }
        let (status, _) = try await DaemonProcess.run(
            [DaemonProcess.program, "--check"] + DaemonProcess.flags(scratch))
        #expect(status == 0)
        #expect(try Directory.entries(of: scratch.path) == [])
    }

    @Test("--observe says what would be done beside a daemon that does it, and leaves no trace")
    func observe() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let elsewhere = try Scratch()
        let observer = try await ChildProcess(
            [
                DaemonProcess.program, "--observe", "--connect",
                PrivateLibvirtd.uri(in: libvirtd.scratch), "--runtime-directory",
                "\(elsewhere.path)/run", "--state-directory", "\(elsewhere.path)/state",
            ])
        #expect(await eventually { observer.output.contains("would listen at \(elsewhere.path)") })
        observer.signal(15)
        #expect(await observer.waitForEnd() == 0)
        #expect(try Directory.entries(of: elsewhere.path) == [])
        #expect(daemon.stands(["a"]))
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("SIGHUP has settings read again; bad ones change nothing, and say so")
    func reload() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let file = "\(libvirtd.scratch.path)/d.yaml"
        func write(_ text: String) throws { try File.replace(file, with: Array(text.utf8)) }
        try write("policy: {default: {ports: 1}}")
        let daemon = try await DaemonProcess(in: libvirtd.scratch, ["--config", file])
        _ = try await libvirtd.define("<memif:port name='a'/><memif:port name='b'/>")
        #expect(await eventually { await daemon.port("b")?.state.text == "Failed" })
        #expect(daemon.stands(["a"]))

        try write("policy: {default: {portz: 2}}")
        daemon.process.signal(1)
        #expect(await eventually { daemon.process.output.contains("policy.default.portz") })
        #expect(daemon.process.output.contains("those from before hold"))
        #expect(daemon.stands(["a"]))

        try write("policy: {default: {ports: 2}}\ngroup: kvm")
        daemon.process.signal(1)
        #expect(await eventually { daemon.stands(["a", "b"]) })
        #expect(
            await eventually {
                daemon.process.output.contains("restart virtwired for the others")
            })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)

        try write("policy: {default: {portz: 2}}")
        let (status, output) = try await DaemonProcess.run(
            [DaemonProcess.program, "--check", "--config", file])
        #expect(status == 1)
        #expect(output.contains("policy.default.portz is no setting"))
    }

    @Test(
        "a command line that makes no sense ends it with 2",
        arguments: [
            ["--connect", "nonsense"], ["--connect", "qemu+ssh://host/system"], ["--no-such-flag"],
            ["--log-level", "loud"],
        ])
    func usage(arguments: [String]) async throws {
        let (status, output) = try await DaemonProcess.run([DaemonProcess.program] + arguments)
        #expect(status == 2, "\(output)")
        #expect(output.hasPrefix("virtwired: "))
    }
}

import Libvirt
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwire's questions to a virtwired process", .serialized)
struct ControlCommandTests {
    /// The command line, beside the daemon's program.
    private static let virtwire = String(DaemonProcess.program.dropLast())

    private func run(
        _ arguments: String..., at daemon: DaemonProcess
    ) async throws -> (status: Int32?, output: String) {
        try await DaemonProcess.run(
            [Self.virtwire] + arguments
                + ["--runtime-directory", "\(daemon.scratch.path)/run"])
    }

    @Test("plan and show say what is, as any user; what is not there ends with 3")
    func ask() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a'/><memif:port name='b' id='x'/>")
        #expect(await eventually { await daemon.port("a")?.state.text == "Waiting" })
        let vm = Sample.vm(1).description

        let plan = try await run("plan", vm, at: daemon)
        #expect(plan.status == 0, "\(plan.output)")
        #expect(plan.output.contains("keep"))
        #expect(plan.output.contains("attribute id: 'x' is out of place"))
        let json = try await run("plan", "--format", "json", at: daemon)
        #expect(json.output.contains(#""deed":"keep","port":"a""#), "\(json.output)")
        let show = try await run("memif", "show", vm, "a", at: daemon)
        #expect(show.status == 0 && show.output.contains("name='a'"), "\(show.output)")
        #expect(try await run("memif", "show", vm, "z", at: daemon).status == 3)
        #expect(try await run("plan", "nobody", at: daemon).status == 3)
        // As nobody, who may open the read-only socket alone.
        let nobody = try await DaemonProcess.run(
            [
                "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", Self.virtwire,
                "plan", "--runtime-directory", "\(daemon.scratch.path)/run",
            ])
        #expect(nobody.status == 0, "\(nobody.output)")
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("watch begins with what is there, goes on with what changes, and ends with the daemon")
    func watch() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let domain = try await libvirtd.define("<memif:port name='a'/>")
        #expect(await eventually { await daemon.port("a")?.state.text == "Waiting" })
        let watch = try await ChildProcess(
            [
                Self.virtwire, "watch", "--format", "json", "--runtime-directory",
                "\(daemon.scratch.path)/run",
            ])
        #expect(await eventually { watch.output.contains(#""event":"present""#) })
        _ = try await domain.create()
        #expect(await eventually { watch.output.contains(#""state":"Ready""#) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { watch.output.contains(#""state":"Connected""#) })
        slave.remove()
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await watch.waitForEnd().map { $0 >> 8 } == 1)
        #expect(watch.output.contains("the daemon has ended the connection"), "\(watch.output)")
    }
}

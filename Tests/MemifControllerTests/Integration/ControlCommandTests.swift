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

    @Test("ports are added, prepared and removed, the log level set and the host drained")
    func change() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let audit = "\(libvirtd.scratch.path)/audit.log"
        let file = "\(libvirtd.scratch.path)/d.yaml"
        try File.replace(file, with: Array("audit-log: \(audit)".utf8))
        let daemon = try await DaemonProcess(in: libvirtd.scratch, ["--config", file])
        let domain = try await libvirtd.define("<memif:port name='a' linger='0'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let vm = Sample.vm(1).description

        let added = try await run("memif", "add", vm, "b", "queues=2", at: daemon)
        #expect(added.status == 0, "\(added.output)")
        #expect(daemon.stands(["a", "b"]))
        let refused = try await run("memif", "add", vm, "a", at: daemon)
        #expect(refused.status == 1)
        #expect(refused.output.contains("declares a port 'a' itself"), "\(refused.output)")
        let other = Sample.vm(7).description
        let prepared = try await run(
            "memif", "prepare", other, "to-come", "a", "--for", "600", at: daemon)
        #expect(prepared.status == 0, "\(prepared.output)")
        #expect(daemon.stands(["a"], vm: Sample.vm(7)))
        #expect(try await run("memif", "remove", vm, "b", at: daemon).status == 0)
        #expect(daemon.stands(["a"]))
        #expect(try await run("memif", "remove", vm, "b", at: daemon).status == 3)

        #expect(try await run("log-level", "debug", at: daemon).status == 0)
        #expect(try await run("log-level", "loud", at: daemon).status == 1)
        _ = try await domain.create()
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        let drained = try await run("drain", at: daemon)
        #expect(drained.output.contains("1 links are left"), "\(drained.output)")
        // The link goes on, nobody else comes in, and the domain's end is the link's.
        let second = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { second.lastEnd != nil })
        #expect(slave.link === link)
        #expect(second.link == nil)
        second.remove()
        try await domain.destroy()
        #expect(await eventually { link.end?.reason.text == "domain shut off" })
        #expect(try await run("drain", "--end", at: daemon).status == 0)
        let lines = String(decoding: try File.read(audit, limit: 1 << 20), as: UTF8.self)
        let calls = lines.split(separator: "\n").filter { $0.contains(#""procedure":"#) }
        let ended = calls.filter { !$0.contains(#""outcome":"begun""#) }
        let procedures = ended.compactMap { line in
            line.split(separator: #""procedure":""#).last?.split(separator: "\"").first
        }
        #expect(
            procedures == [
                "PORT_ADD", "PORT_ADD", "PREPARE", "PORT_REMOVE", "PORT_REMOVE", "LOG_LEVEL",
                "LOG_LEVEL", "DRAIN", "DRAIN",
            ])
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

    @Test("stats counts what a peer sent, per queue too; status has each state's time")
    func counters() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>", name: "web")
        #expect(await eventually { daemon.stands(["a"]) })
        let socket = daemon.layout.socket(of: Sample.vm(1), port: "a")
        let bench = try await ChildProcess(
            [
                Self.virtwire, "memif", "bench", "--role", "slave", "--socket", socket, "--mode",
                "tx", "--seconds", "120",
            ])
        #expect(await eventually { (await daemon.port("a")?.rx_packets ?? 0) > 0 })
        let stats = try await run("memif", "stats", "web", "--format", "json", at: daemon)
        #expect(stats.status == 0, "\(stats.output)")
        #expect(stats.output.contains(#""direction":"rx""#), "\(stats.output)")
        #expect(stats.output.contains(#""link":"up""#))
        #expect(!stats.output.contains(#""rx_packets":0,"#))
        let table = try await run(
            "memif", "stats", "--watch", "--interval", "0.05", "--count", "3", at: daemon)
        #expect(table.output.split(separator: "\n").count { $0.hasPrefix("VM") } == 3)
        #expect(table.output.contains("rx0"))
        #expect(try await run("memif", "stats", "nobody", at: daemon).status == 3)
        let status = try await run(
            "status", "--watch", "--interval", "0.05", "--count", "2", "--format", "json",
            at: daemon)
        let lines = status.output.split(separator: "\n")
        #expect(lines.count == 2)
        let since = #/"since":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/#
        #expect(lines.allSatisfy { $0.contains(since) }, "\(status.output)")
        bench.signal(2)
        _ = await bench.waitForEnd()
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }
}

import Glibc
import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwired when the host gives it nothing", .serialized)
struct HardTimesTests {
    private let two = Sample.vm(2)

    /// Gives the daemon a state directory of 64 KiB of its own, which ends with it.
    private static func smallDisk(_ scratch: Scratch) -> [String] {
        let script = """
            mount --make-rprivate / && mkdir -p "$0" && mount -t tmpfs -o size=64k none "$0" \\
                && exec "$@"
            """
        return ["unshare", "--mount", "sh", "-c", script, scratch.configuration.stateDirectory]
    }

    @Test("a full disk costs no socket, is told once and by status, and passes by itself")
    func fullDisk() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let daemon = try await DaemonProcess(in: scratch, under: Self.smallDisk(scratch))
        let one = try await libvirtd.define("<memif:port name='a'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let disk =
            "/proc/\(daemon.process.processID)/root" + scratch.configuration.stateDirectory
        var fillers: [String] = []
        while fillers.count < 100 {
            let path = "\(disk)/filler\(fillers.count)"
            guard (try? File.replace(path, with: Array(repeating: 1, count: 4096))) != nil else {
                break
            }
            fillers.append(path)
        }

        _ = try await libvirtd.define("<memif:port name='b'/>", vm: two)
        _ = try await one.create()
        #expect(await eventually { await daemon.port("b", vm: two)?.state.text == "Failed" })
        let reason = await daemon.port("b", vm: two)?.reason.text ?? ""
        #expect(reason.contains("cannot be written") && reason.contains("No space left"))
        #expect(await eventually { await daemon.port("/domain")?.state.text == "Degraded" })
        #expect(await daemon.port("a")?.state.text == "Ready")
        #expect(daemon.stands(["a"]) && daemon.stands([], vm: two))
        // The tries go on, and the log does not.
        let before = daemon.process.output.count
        try await Task.sleep(for: .seconds(2))
        #expect(daemon.process.output.count == before)

        for path in fillers { try File.remove(path) }
        #expect(await eventually(within: .seconds(40)) { daemon.stands(["b"], vm: two) })
        #expect(await eventually(within: .seconds(40)) { await daemon.port("/domain") == nil })
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("a directory that becomes read-only: new ports say so, standing ones stand")
    func readOnlyDirectory() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        // As nobody, for root may write everywhere.
        let nobody: UInt32 = 65534
        for path in [
            scratch.configuration.runtimeDirectory, scratch.configuration.stateDirectory,
        ] {
            try Directory.ensure(path, mode: 0o755)
            try File.setOwner(path, user: nobody, group: nobody)
        }
        let daemon = try await DaemonProcess(
            in: scratch,
            under: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        _ = try await libvirtd.define("<memif:port name='a'/>")
        #expect(await eventually { daemon.stands(["a"]) }, "\(daemon.process.output)")
        try File.setMode(daemon.layout.domainsDirectory, 0o555)

        let domain = try await libvirtd.define("<memif:port name='b'/>", vm: two)
        _ = try await domain.create()
        #expect(await eventually { await daemon.port("b", vm: two)?.state.text == "Failed" })
        let port = try #require(await daemon.port("b", vm: two))
        #expect(port.reason.text.contains("Permission denied"), "\(port.reason.text)")
        #expect(port.remedy.text.contains("writable"))
        #expect(daemon.stands(["a"]))
        #expect(try await domain.isActive())

        try File.setMode(daemon.layout.domainsDirectory, 0o755)
        #expect(await eventually(within: .seconds(40)) { daemon.stands(["b"], vm: two) })
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("without descriptors it waits and does not spin, and goes on when there are some again")
    func noDescriptors() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(
            in: libvirtd.scratch, under: ["prlimit", "--nofile=48"])
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let crowd = try Crowd(100, at: daemon.layout.controlSocket)
        // All but the reserve; what it has inherited may have higher numbers than the limit.
        let most = 48 - Int(DescriptorReserve.count)
        #expect(await eventually { daemon.descriptorCount >= most })
        _ = try await libvirtd.define("<memif:port name='b'/>", vm: two)
        // The control socket has no room for who would ask, so it is the log that tells.
        let words = ["port=b", "state=Failed", "Too many open files", "leave it descriptors"]
        #expect(
            await eventually {
                daemon.process.output.split(separator: "\n").contains { line in
                    words.allSatisfy { line.contains($0) }
                }
            }, "\(daemon.process.output)")
        let before = daemon.ticks
        try await Task.sleep(for: .seconds(1))
        #expect(daemon.ticks - before < 30)
        #expect(daemon.stands(["a"]) && daemon.stands([], vm: two))

        crowd.leave()
        #expect(await eventually(within: .seconds(40)) { daemon.stands(["b"], vm: two) })
        #expect(await eventually { await daemon.port("b", vm: two)?.state.text == "Waiting" })
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test(
        "a libvirtd that hangs keeps neither the sockets from their peers nor the daemon from ending"
    )
    func hangingLibvirtd() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        libvirtd.signal(SIGSTOP)
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await eventually { link.end?.reason.text == "daemon stopping" })
        #expect(!daemon.process.output.contains("has not answered"))
        libvirtd.signal(SIGCONT)
    }

    @Test("a question that is given up is no answer")
    func givenUp() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let source = LibvirtDomainSource(uri: PrivateLibvirtd.uri(in: libvirtd.scratch))
        let (connected, tell) = AsyncStream.makeStream(of: Void.self)
        let running = Task {
            await source.run { notice in if notice == .connected { tell.yield() } }
        }
        for await _ in connected { break }
        libvirtd.signal(SIGSTOP)
        let question = Task { () async -> DomainSourceError? in
            do throws(DomainSourceError) {
                _ = try await source.read(Sample.vm(1))
                return nil
            } catch {
                return error
            }
        }
        question.cancel()
        let error = await question.value
        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        running.cancel()
        await running.value
        libvirtd.signal(SIGCONT)
    }
}

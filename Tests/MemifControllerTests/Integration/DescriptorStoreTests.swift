import Logging
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import LinuxIO
@testable import MemifController

@Suite("virtwired under a service manager that keeps descriptors", .serialized)
struct DescriptorStoreTests {
    @Test("twenty restarts while DPDK sends: no DISCONNECT, and both ends count the same")
    func restarts() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify")
        defer { manager.stop() }
        var daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        let traffic = try await SendingDomain(libvirtd, daemon)
        for round in 1...20 {
            daemon.process.signal(15)
            #expect(await daemon.process.waitForEnd() == 0, "\(daemon.process.output)")
            // The state, the listener, the control socket, a region and two rings; and nothing of what
            // was kept for a crash.
            #expect(manager.count == 6, "\(daemon.process.output)")
            #expect(manager.leftCount == 6)
            daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
            #expect(await eventually { manager.leftCount == 0 && manager.linkCount == 1 })
            #expect(await traffic.flows(to: daemon), "round \(round): \(daemon.process.output)")
        }
        try await traffic.end(at: daemon)
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("a store that is too small is said so, and peers are told as without one")
    func small() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify", capacity: 5)
        defer { manager.stop() }
        let daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        #expect(
            await eventually {
                daemon.process.output.contains("a crash of this process would end links")
            })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await eventually { link.end?.reason.text == "daemon stopping" })
        #expect(
            await eventually { daemon.process.output.contains("raise FileDescriptorStoreMax=") })
        #expect(manager.count == 0)
    }

    @Test("a process that ends before everything stands again leaves it to the next one")
    func unfinished() async throws {
        let kept = try await KeptLink()
        defer { kept.manager.stop() }
        let (manager, scratch, layout) = (kept.manager, kept.scratch, kept.layout)
        #expect(manager.count == 6)

        // One that may not even begin.
        var lock: FileLock? = try FileLock(path: layout.lock)
        let second = try await manager.start([DaemonProcess.program] + DaemonProcess.flags(scratch))
        #expect(await second.waitForEnd() == 1 << 8)
        #expect(second.output.contains("the runtime directory cannot be claimed"))
        _ = lock.take()
        #expect(manager.count == 6)
        // One that stands, and cannot be spoken to.
        _ = try File.remove(layout.controlSocket)
        try Directory.ensure(layout.controlSocket, mode: 0o755)
        let third = try await manager.start([DaemonProcess.program] + DaemonProcess.flags(scratch))
        #expect(await third.waitForEnd() == 1 << 8)
        #expect(third.output.contains("the control socket cannot be made"))
        #expect(await eventually { manager.count == 6 } && kept.link.isUp, "\(third.output)")
        _ = try Directory.remove(layout.controlSocket)
        // One that has put everything back, and gets no further.
        try await Self.restore(from: manager, in: scratch)
        #expect(manager.count == 6 && kept.link.isUp)

        let last = try await DaemonProcess(under: manager, in: scratch)
        #expect(await eventually { manager.leftCount == 0 })
        #expect(await eventually { await last.port("a")?.state.text == "Connected" })
        #expect(kept.link.isUp && kept.slave.link === kept.link)
        last.process.signal(15)
        #expect(await last.process.waitForEnd() == 0)
    }

    @Test("a port whose secret is away at a restart keeps its link, and goes on when it is back")
    func lostSecret() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        let secrets = scratch.configuration.secretsDirectory
        try Directory.ensure(secrets, mode: 0o700)
        try File.replace("\(secrets)/s", with: Array("open sesame".utf8))
        let flags = ["--secrets-directory", secrets]
        let first = try await DaemonProcess(under: manager, in: scratch, flags)
        _ = try await libvirtd.define("<memif:port name='a' link='always' secret-ref='s'/>")
        #expect(await eventually { first.stands(["a"]) })
        let slave = try RealDaemon.slave(
            first.layout.socket(of: Sample.vm(1), port: "a"), secret: "open sesame")
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        first.process.signal(15)
        #expect(await first.process.waitForEnd() == 0)

        try File.move("\(secrets)/s", to: "\(secrets)/away")
        let second = try await DaemonProcess(under: manager, in: scratch, flags)
        #expect(await eventually { await second.port("a")?.state.text == "Degraded" })
        // libvirt has been asked by then, and the port's own failures are looked at again.
        #expect(
            await eventually { second.process.output.contains("connected to libvirt") },
            "\(second.process.output)")
        #expect(link.isUp)
        try File.move("\(secrets)/away", to: "\(secrets)/s")
        #expect(
            await eventually(within: .seconds(60)) {
                await second.port("a")?.state.text == "Connected"
            })
        #expect(link.isUp && slave.link === link)
        second.process.signal(15)
        #expect(await second.process.waitForEnd() == 0)
    }

    @Test("what three processes have not come through with is dropped, and said to be")
    func poison() async throws {
        let kept = try await KeptLink()
        defer { kept.manager.stop() }
        let (manager, scratch, layout) = (kept.manager, kept.scratch, kept.layout)

        var attempts: [Bool] = []
        for _ in 0..<4 { attempts.append(AdoptionAttempts(layout).begin()) }
        #expect(attempts == [true, true, true, false])
        let last = try await DaemonProcess(under: manager, in: scratch)
        #expect(last.process.output.contains("is dropped, and links with it"))
        #expect(await eventually { manager.leftCount == 0 })
        #expect(await eventually { !kept.link.isUp }, "\(last.process.output)")
        #expect(await eventually { last.stands(["a"]) })
        #expect(!File.exists(last.layout.adoptionAttempts))
        last.process.signal(15)
        #expect(await last.process.waitForEnd() == 0)
        #expect(manager.count > 0)
    }

    private static func restore(from manager: StandInManager, in scratch: Scratch) async throws {
        let service = try ServiceManager(
            socket: manager.path, watchdogMicroseconds: nil, watchdogProcess: nil)
        let store = DescriptorStore(manager: try #require(service))
        let inheritance = try #require(try store.take(manager.shuffled()))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let backend = try MemifPortBackend(logger: logger)
        let host = Host(scratch.configuration, backend: backend, logger: logger)
        let controller = Controller(host, source: FakeSource())
        try controller.take(inheritance)
        await controller.restore()
        let isUp = await eventually {
            controller.status().ports.map(\.traffic.isLinkUp) == [true]
        }
        #expect(isUp)
        // As its end would.
        _ = try await controller.freeze(with: nil)
        controller.abandon()
        controller.releaseClaim()
    }

    @Test("what the manager has kept and is of no use costs a warning, and is kept no longer")
    func useless() async throws {
        let scratch = try Scratch()
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        let state = try XDR.encode(UInt32(VIRTWIRE_STATE_VERSION)) + [5]
        let isStored = try await Thread.perform(name: "store") {
            (try? Self.store(state, manager.path)) != nil
        }
        #expect(isStored && manager.count == 2)
        let daemon = try await DaemonProcess(under: manager, in: scratch)
        #expect(
            await eventually {
                daemon.process.output.contains("what the service manager has kept is of no use")
            })
        #expect(await eventually { manager.count == 0 })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
        // With no port at all there is still a state.
        #expect(manager.count == 1)
    }

    @Test(
        "what another version has left is left to it: this one ends and says so, however often it is tried"
    )
    func otherVersion() async throws {
        let scratch = try Scratch()
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        let state = try XDR.encode(UInt32(VIRTWIRE_STATE_VERSION) + 1) + [1, 2, 3, 4]
        let isStored = try await Thread.perform(name: "store") {
            (try? Self.store(state, manager.path)) != nil
        }
        #expect(isStored && manager.count == 2)
        for _ in 0...AdoptionAttempts.most {
            let daemon = try await manager.start(
                [DaemonProcess.program] + DaemonProcess.flags(scratch))
            #expect(await daemon.waitForEnd() == 1 << 8)
            #expect(daemon.output.contains("install the version that left it"), "\(daemon.output)")
        }
        #expect(manager.count == 2)
        #expect(!File.exists(RuntimeLayout(scratch.configuration).adoptionAttempts))
    }

    private static func store(_ state: [UInt8], _ path: String) throws {
        var junk = DescriptorQueue()
        junk.append(try OwnedDescriptor.memoryFile(name: "junk", holding: state))
        junk.append(try OwnedDescriptor.memoryFile(name: "junk", byteCount: 8))
        let manager = try ServiceManager(
            socket: path, watchdogMicroseconds: nil, watchdogProcess: nil)
        try manager?.store(
            StoredDescriptors(names: ["virtwired-state", "virtwired-0"], descriptors: junk),
            within: .seconds(30))
    }
}

/// What a service manager keeps of a daemon that has ended: a port, and its link to a slave of ours.
private struct KeptLink {
    let libvirtd: PrivateLibvirtd
    let manager: StandInManager
    let layout: RuntimeLayout
    let slave: MemifInterface
    let link: MemifLink

    var scratch: Scratch { libvirtd.scratch }

    init() async throws {
        libvirtd = try await PrivateLibvirtd(in: Scratch())
        manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify")
        let first = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        layout = first.layout
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { first.stands(["a"]) })
        let slave = try RealDaemon.slave(layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        self.slave = slave
        link = try #require(slave.link)
        first.process.signal(15)
        #expect(await first.process.waitForEnd() == 0)
    }
}

extension DaemonProcess {
    /// Starts one as a service of a manager, and waits until it is ready.
    init(
        under manager: StandInManager, in scratch: Scratch, _ more: [String] = []
    ) async throws {
        self.scratch = scratch
        layout = RuntimeLayout(scratch.configuration)
        process = try await manager.start([Self.program] + Self.flags(scratch) + more)
        let layout = layout
        let isReady = await eventually(within: .seconds(60)) {
            (try? await RealDaemon.status(layout)) != nil
        }
        try #require(isReady, "\(process.output)")
    }
}

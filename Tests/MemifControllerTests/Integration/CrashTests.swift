import LinuxIO
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite(
    "virtwired that is killed under a service manager that keeps descriptors", .serialized,
    .timeLimit(.minutes(4)))
struct CrashTests {
    /// A daemon that is killed, and what the manager has of it then.
    private func crash(_ daemon: DaemonProcess, under manager: StandInManager) async {
        #expect(
            await eventually { manager.linkCount == 1 && manager.leftCount == 0 },
            "\(daemon.process.output)")
        daemon.process.kill()
        await daemon.process.waitForEnd()
        // A state, the listener, the control socket, a region and two rings.
        #expect(manager.count == 6, "\(daemon.process.output)")
    }

    /// Waits until links have not had the daemon crash for long enough.
    private func isTrusted(_ daemon: DaemonProcess) async -> Bool {
        await eventually(within: .seconds(60)) {
            !File.exists(daemon.layout.adoptionAttempts)
        }
    }

    @Test(
        "while DPDK sends: no DISCONNECT, and frames flow on; an orderly restart goes its own way")
    func testpmd() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify")
        defer { manager.stop() }
        var daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        let traffic = try await SendingDomain(libvirtd, daemon)
        for round in 1...3 {
            await crash(daemon, under: manager)
            daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
            #expect(
                daemon.process.output.contains("the links of a process that has crashed"),
                "round \(round): \(daemon.process.output)")
            #expect(await traffic.flows(to: daemon), "round \(round): \(daemon.process.output)")
            #expect(await isTrusted(daemon), "round \(round)")
        }
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0, "\(daemon.process.output)")
        #expect(manager.leftCount == 6 && manager.count == 6)
        daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        #expect(daemon.process.output.contains("going on in the place of another process"))
        #expect(await traffic.flows(to: daemon), "\(daemon.process.output)")
        try await traffic.end(at: daemon, afterCrash: true)
        #expect(await eventually { manager.count == 0 })
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    @Test("both ways: what is asked before, meanwhile and after is answered, over the same link")
    func bothWays() async throws {
        let kept = try await Answered()
        defer { kept.manager.stop() }
        #expect(try await kept.asker.isAnswered())
        await crash(kept.daemon, under: kept.manager)
        try kept.asker.ask()
        let next = try await DaemonProcess(under: kept.manager, in: kept.scratch)
        #expect(try await kept.asker.hearsAnswer(), "\(next.process.output)")
        for _ in 0..<100 { try #require(try await kept.asker.isAnswered()) }
        #expect(kept.link.isUp && kept.slave.link === kept.link)
        #expect(await next.port("a")?.state.text == "Connected")
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test("a peer that has left meanwhile is found to have; the next one is served")
    func left() async throws {
        let kept = try await Answered()
        defer { kept.manager.stop() }
        await crash(kept.daemon, under: kept.manager)
        kept.slave.remove()
        let next = try await DaemonProcess(under: kept.manager, in: kept.scratch)
        #expect(await eventually { await next.port("a")?.state.text == "Ready" })
        #expect(await eventually { kept.manager.count == 0 }, "\(next.process.output)")
        let slave = try RealDaemon.slave(next.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        #expect(await eventually { kept.manager.linkCount == 1 })
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test("links with which a process has crashed after a crash are let go, and the next ones kept")
    func poison() async throws {
        let kept = try await Answered()
        defer { kept.manager.stop() }
        await crash(kept.daemon, under: kept.manager)
        // One that has begun with them, and has ended.
        let attempts = AdoptionAttempts(kept.daemon.layout)
        #expect(attempts.begin(limit: AdoptionAttempts.mostAfterCrash))
        let next = try await DaemonProcess(under: kept.manager, in: kept.scratch)
        #expect(next.process.output.contains("is dropped, and links with it"))
        #expect(await eventually { !kept.link.isUp }, "\(next.process.output)")
        #expect(!File.exists(next.layout.adoptionAttempts))
        // It is a slave that comes again.
        #expect(await eventually { kept.slave.link.map { $0 !== kept.link } == true })
        let link = try #require(kept.slave.link)
        await crash(next, under: kept.manager)
        let last = try await DaemonProcess(under: kept.manager, in: kept.scratch)
        #expect(await eventually { await last.port("a")?.state.text == "Connected" })
        #expect(link.isUp && kept.slave.link === link, "\(last.process.output)")
        last.process.signal(15)
        #expect(await last.process.waitForEnd() == 0)
    }

    @Test("a socket file that was taken away does not end what is kept of the port's link")
    func lostSocket() async throws {
        let kept = try await Answered()
        defer { kept.manager.stop() }
        let path = kept.daemon.layout.socket(of: Sample.vm(1), port: "a")
        #expect(await eventually { kept.manager.linkCount == 1 })
        _ = try File.remove(path)
        #expect(await eventually { kept.daemon.stands(["a"]) })
        // The state with the other listener has come, and the one before has gone.
        #expect(
            await eventually {
                kept.manager.lines.contains("FDNAME=virtwired-s2") && kept.manager.count == 6
            })
        await crash(kept.daemon, under: kept.manager)
        let next = try await DaemonProcess(under: kept.manager, in: kept.scratch)
        #expect(try await kept.asker.isAnswered(), "\(next.process.output)")
        #expect(kept.link.isUp && next.stands(["a"]))
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test(
        "thirty kills while slaves come and go: in the end each has a link, and no daemon crashed")
    func churn() async throws {
        var random = SeededGenerator("thirty kills under a churn of links")
        let seed = random.seed
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify")
        defer { manager.stop() }
        let first = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        let names = ["a", "b", "c"]
        let ports = names.map { "<memif:port name='\($0)' link='always'/>" }.joined()
        _ = try await libvirtd.define(ports)
        #expect(await eventually { first.stands(Set(names)) })
        let slaves = try names.map {
            try RealDaemon.slave(first.layout.socket(of: Sample.vm(1), port: $0))
        }
        first.process.signal(15)
        #expect(await first.process.waitForEnd() == 0)
        for _ in 0..<30 {
            let process = try await manager.start(
                [DaemonProcess.program] + DaemonProcess.flags(libvirtd.scratch))
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // A random moment is the point; there is nothing to wait for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...60, using: &random)))
                slaves.randomElement(using: &random)?.disconnect(
                    DisconnectReason(.administrative, "to come again"))
            }
            #expect(process.status == nil, "seed \(seed): \(process.output)")
            process.kill()
            await process.waitForEnd()
        }
        let last = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        #expect(
            await eventually(within: .seconds(60)) {
                for name in names {
                    guard await last.port(name)?.state.text == "Connected" else { return false }
                }
                return slaves.allSatisfy { $0.link?.isUp == true }
            }, "seed \(seed): \(last.process.output)")
        #expect(await eventually { manager.linkCount == 3 && manager.count == 18 }, "seed \(seed)")
        last.process.signal(15)
        #expect(await last.process.waitForEnd() == 0)
    }
}

/// A daemon under a manager, with a port that answers a slave of ours.
private struct Answered {
    let libvirtd: PrivateLibvirtd
    let manager: StandInManager
    let daemon: DaemonProcess
    let slave: MemifInterface
    let link: MemifLink
    let asker: Asker

    var scratch: Scratch { libvirtd.scratch }

    init() async throws {
        libvirtd = try await PrivateLibvirtd(in: Scratch())
        manager = try StandInManager(at: "\(libvirtd.scratch.path)/notify")
        let daemon = try await DaemonProcess(under: manager, in: libvirtd.scratch)
        self.daemon = daemon
        _ = try await libvirtd.define(
            "<memif:port name='a' attach='responder' address='192.0.2.1/24' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        self.slave = slave
        link = try #require(slave.link)
        asker = try Asker(link)
    }
}

/// Asks for a responder's hardware address, with the queues that it has from the first.
private final class Asker {
    private var sender: TransmitQueue
    private var receiver: ReceiveQueue
    private var batch = FrameBatch(frameCapacity: 8)

    private static let request: [UInt8] =
        [UInt8](repeating: 0xFF, count: 6) + [2, 0, 0, 0, 0, 1] + [8, 6]
        + [0, 1, 8, 0, 6, 4, 0, 1] + [2, 0, 0, 0, 0, 1] + [192, 0, 2, 2]
        + [0, 0, 0, 0, 0, 0] + [192, 0, 2, 1] + [UInt8](repeating: 0, count: 18)

    init(_ link: MemifLink) throws {
        guard let receiver = link.takeReceiveQueue(0), let sender = link.takeTransmitQueue(0)
        else { throw NoQueue() }
        self.receiver = receiver
        self.sender = sender
    }

    private struct NoQueue: Error {}

    func ask() throws {
        batch.removeAll()
        batch.append(Self.request)
        guard try sender.transmitBurst(batch) == 1 else { throw NoQueue() }
    }

    func hearsAnswer() async throws -> Bool {
        try await eventually {
            guard try receiver.receiveBurst(into: &batch) == 1 else { return false }
            let answer = batch.bytes(of: 0)
            return answer.prefix(6) == [2, 0, 0, 0, 0, 1] && answer.count > 21 && answer[21] == 2
        }
    }

    func isAnswered() async throws -> Bool {
        try ask()
        return try await hearsAnswer()
    }
}

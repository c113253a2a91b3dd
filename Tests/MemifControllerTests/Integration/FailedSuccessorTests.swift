import Glibc
import LibvirtRPC
import LinuxIO
import Logging
import Memif
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("A successor that does not come to its end", .serialized, .timeLimit(.minutes(10)))
struct FailedSuccessorTests {
    @Test("killed at any step while DPDK sends: no DISCONNECT, and both ends count the same")
    func killed() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let traffic = try await SendingDomain(libvirtd, daemon)
        let path = libvirtd.scratch.path
        for step in DoomedSuccessor.Step.allCases {
            await #expect(processExitsWith: .signal(SIGKILL), "\(step)") {
                [path = path as String, step = step as DoomedSuccessor.Step] in
                try await DoomedSuccessor(path).come(to: step)
            }
            let goesOn = await eventually(within: .seconds(60)) {
                daemon.process.output.ranges(of: "this process goes on").count == step.rawValue
            }
            #expect(goesOn, "\(step): \(daemon.process.output)")
            #expect(await traffic.flows(to: daemon), "\(step): \(daemon.process.output)")
        }
        // What was left as it was can be handed over still.
        let next = try await DaemonProcess(takingOverFrom: daemon)
        #expect(await daemon.process.waitForEnd() == 0)
        #expect(await traffic.flows(to: next))
        try await traffic.end(at: next)
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }

    @Test("one that has put everything back and may not serve has touched nothing")
    func refused() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: Sample.vm(1), port: "a"))
        #expect(await eventually { slave.link != nil })
        let link = try #require(slave.link)
        guard var sender = link.takeTransmitQueue(0) else {
            Issue.record("the link has no queue")
            return
        }
        var batch = FrameBatch(frameCapacity: 1)
        batch.append([1, 2, 3])

        // Of another group, which its sockets' directories are not to have before it serves.
        let successor = try DoomedSuccessor(libvirtd.scratch.path, group: "kvm")
        let directory = daemon.layout.directory(of: Sample.vm(1))
        let group = try FileStatus(path: directory).group
        var inheritance: Inheritance? = try await successor.restore()
        // A frame that waits: nobody may take it out while both are there.
        let sent = try sender.transmitBurst(batch)
        #expect(sent == 1)
        #expect(await daemon.port("a")?.rx_packets == 0)
        let port = try #require(successor.controller.domain(Sample.vm(1))?.snapshot.ports["a"]).port
        #expect(port.traffic.isLinkUp && port.traffic.receivedPackets == 0)
        #expect(throws: PortError.self) { _ = try port.openChannel(for: nil) }
        #expect(inheritance?.predecessor != nil)
        #expect(try FileStatus(path: directory).group == group && group != Accounts.group("kvm"))
        successor.controller.abandon()
        successor.controller.releaseClaim()
        inheritance = nil
        #expect(await eventually { await daemon.port("a")?.rx_packets == 1 })
        #expect(link.isUp && daemon.stands(["a"]))
        // The lock is the daemon's still.
        #expect(throws: SystemError.self) { _ = try FileLock(path: daemon.layout.lock) }
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }
}

/// A successor that comes to a certain step and no further.
struct DoomedSuccessor {
    /// What it has done last.
    enum Step: Int, CaseIterable, Codable {
        /// It has asked, and read nothing.
        case asked = 1
        /// It has every descriptor.
        case received
        /// It has said that it is ready.
        case ready
        /// It was told that everything is its own.
        case told
        /// It has the locks as well.
        case claimed
        /// Everything stands again.
        case restored
    }

    let controller: Controller
    private let layout: RuntimeLayout

    init(_ path: String, group: String? = nil) throws {
        var configuration = HostConfiguration()
        configuration.group = group ?? configuration.group
        configuration.runtimeDirectory = "\(path)/run"
        configuration.stateDirectory = "\(path)/state"
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        layout = RuntimeLayout(configuration)
        controller = Controller(
            configuration, source: FakeSource(), backend: try MemifPortBackend(logger: logger),
            logger: logger)
    }

    /// Comes to a step, and is killed.
    func come(to step: Step) async throws {
        switch step {
        case .asked: _ = try await HandOverTests.ask(layout)
        case .received, .ready:
            let channel = try await HandOverTests.ask(layout)
            try await Controller.onThread { () throws(PortError) in
                try Self.receive(channel, saysReady: step == .ready)
            }
        case .told, .claimed, .restored:
            let inheritance = try await restore(upTo: step)
            withExtendedLifetime(inheritance) { _ = kill(getpid(), SIGKILL) }
        }
        _ = kill(getpid(), SIGKILL)
    }

    /// Does what a successor does before it says TAKEN.
    func restore(upTo step: Step = .restored) async throws -> Inheritance {
        let taken = try await Inheritance.takeOver(layout, loop: RealDaemon.loop.get())
        let inheritance = try #require(taken)
        if step == .told { return inheritance }
        try controller.take(inheritance)
        if step == .claimed { return inheritance }
        await controller.restore()
        let isUp = await eventually {
            controller.status().ports.map(\.traffic.isLinkUp) == [true]
        }
        try #require(isUp)
        return inheritance
    }

    private static func receive(
        _ channel: HandOverChannel, saysReady: Bool
    ) throws(PortError) {
        do {
            var missing = 1
            while missing > 0 {
                let message = try channel.socket.receive(mostBytes: 64, within: .seconds(60))
                let said = try XDR.decode(virtwire_hand_over_message.self, from: message.bytes)
                missing =
                    said.step == .VIRTWIRE_HAND_OVER_STATE
                    ? Int(said.count) : missing - Int(said.count)
            }
            guard saysReady else { return }
            let ready = virtwire_hand_over_message(step: .VIRTWIRE_HAND_OVER_READY, count: 1)
            try channel.socket.send(try XDR.encode(ready), within: .seconds(60))
        } catch {
            throw .badState("\(error)")
        }
    }
}

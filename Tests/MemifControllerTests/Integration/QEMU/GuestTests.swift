import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

extension QEMUTests {
    /// What a guest and its devices do, and no owner.
    @Suite("Guests")
    struct GuestTests {
        @Test(
            "a disk that fails has the domain stand still: its link stands, and frames are dropped")
        func failingDisk() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let disk = "\(libvirtd.scratch.path)/disk.qcow2"
                try BrokenDisk.write(to: disk)
                try await RealDaemon.run(in: libvirtd.scratch, uri: libvirtd.uri) { it in
                    let machine = EmptyMachine(disk: disk)
                    let domain = try await libvirtd.connection.createDomain(xml: machine.xml)
                    // SUSPENDED/IOERROR, a moment after the start.
                    try await expectHalted(domain, it)
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.link != nil })
                    let link = try #require(slave.link)
                    guard var sender = link.takeTransmitQueue(0) else {
                        Issue.record("the link has no queue")
                        return
                    }
                    var frames = FrameBatch()
                    frames.append(Array(repeating: 0xFF, count: 60))
                    let sent = try await eventually { try sender.transmitBurst(frames) == 1 }
                    #expect(sent)
                    #expect(await eventually { await it.port("a")?.drops == 1 })
                    // It reads again, and fails again.
                    try await domain.resume()
                    try await expectHalted(domain, it)
                    #expect(link.isUp && it.stands(["a"]))
                    try await domain.destroy()
                }
            }
        }

        /// Waits until its disk has stopped it, and the daemon knows.
        private func expectHalted(_ domain: Domain, _ it: RealDaemon) async throws {
            let isHalted = try await eventually {
                let state = try await domain.state()
                return state.state == .paused
                    && state.reason == virDomainPausedReason.ioerror.rawValue
            }
            #expect(isHalted)
            #expect(
                await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        }

        @Test("a guest whose crash kernel runs, and that sleeps on its disk, keeps its link")
        func crashKernel() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let audit = "\(libvirtd.scratch.path)/audit.log"
                try await RealDaemon.run(
                    in: libvirtd.scratch, uri: libvirtd.uri, { $0.auditLog = audit }
                ) { it in
                    let machine = EmptyMachine()
                    let domain = try await libvirtd.connection.defineDomain(xml: machine.xml)
                    _ = try await domain.create()
                    #expect(await eventually { await it.state("a") == "Ready" })
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.link != nil })
                    let link = try #require(slave.link)
                    // CRASHED/CRASHLOADED, of a domain that runs on.
                    try await domain.panicWithCrashKernel()
                    #expect(await eventually { AuditLine.incidents(audit) == ["domain-crashed"] })
                    #expect(await eventually { await it.state("a") == "Connected" })

                    // PMSUSPENDED/DISK, SHUTDOWN/GUEST, STOPPED/SHUTDOWN.
                    let isOff = try await eventually {
                        // Before the firmware has set the machine up this does nothing.
                        try? await domain.suspendToDisk()
                        return try await domain.state().state == .shutoff
                    }
                    #expect(isOff && link.isUp && it.stands(["a"]))
                    _ = try await domain.create()
                    #expect(await eventually { await it.state("a") == "Connected" })
                    #expect(link.isUp)
                    try await domain.destroy()
                    try await domain.undefine()
                }
            }
        }
    }
}

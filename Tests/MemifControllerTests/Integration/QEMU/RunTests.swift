import Foundation
import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

extension QEMUTests {
    /// One link, and everything that can happen to a domain over which it is to stand.
    @Suite("A run")
    struct RunTests {
        @Test(
            "pause, watchdog, sleep, reset, crash, power-off, save, restore, kill of QEMU: one link throughout"
        )
        func oneLink() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let audit = "\(libvirtd.scratch.path)/audit.log"
                try await RealDaemon.run(
                    in: libvirtd.scratch, uri: libvirtd.uri, { $0.auditLog = audit }
                ) { it in
                    let machine = EmptyMachine(onCrash: "restart")
                    let domain = try await libvirtd.connection.defineDomain(xml: machine.xml)
                    #expect(await eventually { await it.state("a") == "Waiting" })
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.lastEnd?.reason.text == "domain shut off" })
                    _ = try await domain.create()
                    #expect(await eventually { slave.link != nil })
                    let run = LinkedRun(
                        libvirtd: libvirtd, it: it, machine: machine, domain: domain,
                        link: try #require(slave.link), audit: audit)
                    await run.expectStanding("started")
                    try await run.pause()
                    try await run.guestHangs()
                    try await run.guestSleeps()
                    try await run.guestActs()
                    try await run.save()
                    try await run.die()
                    try await run.end()
                }
            }
        }
    }
}

/// A run of a domain, and a link that stands for as long as it does.
private struct LinkedRun {
    let libvirtd: QEMULibvirtd
    let it: RealDaemon
    let machine: EmptyMachine
    let domain: Domain
    let link: MemifLink
    let audit: String

    func expectStanding(_ when: Comment) async {
        #expect(await eventually { await it.port("a")?.reason.text == "" }, when)
        #expect(await eventually { await it.state("a") == "Connected" }, when)
        #expect(link.isUp && it.stands(["a"]), when)
    }

    /// SUSPENDED/PAUSED: what the peer sends is dropped and counted. RESUMED/UNPAUSED.
    func pause() async throws {
        try await domain.suspend()
        #expect(await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        guard var sender = link.takeTransmitQueue(0) else {
            Issue.record("the link has no queue")
            return
        }
        var frames = FrameBatch()
        frames.append(Array(repeating: 0xFF, count: 60))
        for _ in 0..<5 {
            let sent = try await eventually { try sender.transmitBurst(frames) == 1 }
            #expect(sent)
        }
        #expect(await eventually { await it.port("a")?.drops == 5 })
        try await domain.resume()
        await expectStanding("resumed")
    }

    /// SUSPENDED/WATCHDOG, of a guest that does not feed its dog.
    func guestHangs() async throws {
        try await domain.neglectWatchdog()
        let isPaused = try await eventually {
            let state = try await domain.state()
            return state.state == .paused && state.reason == virDomainPausedReason.watchdog.rawValue
        }
        #expect(isPaused)
        #expect(await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        #expect(link.isUp && it.stands(["a"]))
        // It barks once.
        try await domain.resume()
        await expectStanding("resumed after its watchdog")
    }

    /// PMSUSPENDED/MEMORY, after which the state is "pmsuspended"; STARTED/WAKEUP.
    func guestSleeps() async throws {
        let isAsleep = try await eventually {
            // Before the firmware has set the machine up this does nothing.
            try? await domain.suspendToMemory()
            return try await domain.state().state == .pmsuspended
        }
        #expect(isAsleep)
        #expect(await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        #expect(link.isUp && it.stands(["a"]))
        try await domain.pmWakeup()
        await expectStanding("woken")
    }

    /// REBOOT; CRASHED/PANICKED of a guest that is started anew; SHUTDOWN/GUEST and STOPPED/SHUTDOWN.
    func guestActs() async throws {
        try await domain.reset()
        #expect(await eventually { AuditLine.events(audit).contains("domain-rebooted") })
        try await domain.panic()
        #expect(await eventually { AuditLine.incidents(audit) == ["domain-crashed"] })
        await expectStanding("reset, and crashed")

        let isOff = try await eventually {
            // Before the firmware has set the machine up this does nothing.
            try? await domain.powerOff()
            return try await domain.state().state == .shutoff
        }
        #expect(isOff)
        _ = try await domain.create()
        await expectStanding("started within the linger")
    }

    /// STOPPED/SAVED; STARTED/RESTORED, RESUMED/FROM_SNAPSHOT.
    func save() async throws {
        let file = "\(libvirtd.scratch.path)/saved"
        try await domain.save(to: file)
        #expect(link.isUp && it.stands(["a"]))
        try await libvirtd.connection.restoreDomain(from: file)
        await expectStanding("restored")
    }

    /// STOPPED/FAILED, after which the state is "crashed".
    func die() async throws {
        // The end of a run is told that the daemon has seen.
        try await domain.suspend()
        #expect(await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        try await domain.resume()
        #expect(libvirtd.killProcess(of: machine.name))
        let isOff = try await eventually { try await domain.state().state == .shutoff }
        #expect(isOff)
        #expect(
            await eventually { AuditLine.incidents(audit) == ["domain-crashed", "domain-ended"] })
        _ = try await domain.create()
        await expectStanding("started after its death")
    }

    /// STOPPED/DESTROYED; UNDEFINED/RENAMED and DEFINED/RENAMED, which leave the socket as it is.
    func end() async throws {
        try await domain.destroy()
        #expect(link.isUp)
        var hasty = machine
        hasty.ports = "<memif:port name='a' linger='0'/>"
        _ = try await libvirtd.connection.defineDomain(xml: hasty.xml)
        #expect(await eventually { link.end?.reason.text == "domain shut off" })

        let path = it.layout.socket(of: machine.vm, port: "a")
        let before = try FileStatus(path: path)
        _ = try await domain.rename(newName: "other")
        #expect(await eventually { await it.port("a")?.vm_name.text == "other" })
        let after = try FileStatus(path: path)
        #expect(before.identity == after.identity)
        try await libvirtd.connection.lookUpDomain(name: "other").undefine()
        #expect(await eventually { it.hasNoDirectories })
    }
}

/// A line of the audit log, in short.
struct AuditLine: Decodable {
    var event: String?

    /// What the lines of a log tell of domains, in order.
    static func incidents(_ path: String) -> [String] {
        // A guest that is started anew after a crash reboots, too, as often as its firmware pleases.
        events(path).filter { $0.hasPrefix("domain-") && $0 != "domain-rebooted" }
    }

    static func events(_ path: String) -> [String] {
        let text = (try? File.read(path, limit: 1 << 16)) ?? []
        return text.split(separator: UInt8(ascii: "\n")).compactMap {
            try? JSONDecoder().decode(AuditLine.self, from: Data($0)).event
        }
    }
}

import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

/// What can happen to a domain and libvirt's test driver can do; for the rest see `QEMUTests`.
@Suite("The daemon and each thing that happens to a domain", .serialized, .timeLimit(.minutes(4)))
struct LifecycleRowTests {
    /// A domain that runs, and a link of its port `a`.
    private struct Running {
        let libvirtd: PrivateLibvirtd
        let it: RealDaemon
        let domain: Domain
        let link: MemifLink
        let audit: String

        static func with(_ body: (Running) async throws -> Void) async throws {
            let libvirtd = try await PrivateLibvirtd(in: Scratch())
            let audit = "\(libvirtd.scratch.path)/audit.log"
            try await RealDaemon.run(in: libvirtd.scratch, { $0.auditLog = audit }) { it in
                let domain = try await libvirtd.define("<memif:port name='a' linger='60s'/>")
                _ = try await domain.create()
                #expect(await eventually { await it.state("a") == "Ready" })
                let slave = try it.slave("a")
                #expect(await eventually { slave.link != nil })
                try await body(
                    Running(
                        libvirtd: libvirtd, it: it, domain: domain,
                        link: try #require(slave.link), audit: audit))
            }
        }

        /// Whether the daemon has seen the domain's ports as these, the link standing.
        func expectStanding(_ when: Comment, _ ports: Set<String> = ["a"]) async {
            #expect(await eventually { it.stands(ports) }, when)
            #expect(await eventually { await it.port("a")?.reason.text == "" }, when)
            #expect(await eventually { await it.state("a") == "Connected" }, when)
            #expect(link.isUp, when)
        }

        /// Pauses it, which the daemon sees: whatever ran before, it knows of this run now.
        func pause() async throws {
            try await domain.suspend()
            #expect(
                await eventually { await it.port("a")?.reason.text.contains("paused") == true })
        }
    }

    @Test("pause, reboot, save, restore, managed save, crash, shutdown: one link over all of them")
    func oneLink() async throws {
        try await Running.with { run in
            let domain = run.domain
            try await run.pause()
            try await domain.resume()
            await run.expectStanding("resumed")
            try await domain.reboot()
            await run.expectStanding("rebooted")

            let file = "\(run.libvirtd.scratch.path)/saved"
            try await domain.save(to: file)
            await run.expectStanding("saved")
            try await run.libvirtd.connection.restoreDomain(from: file)
            await run.expectStanding("restored")
            try await domain.managedSave()
            _ = try await domain.create()
            await run.expectStanding("started from a managed save")

            try await run.pause()
            try await domain.coreDump(to: "\(file)-core", flags: .crash)
            #expect(await eventually { AuditLine.incidents(run.audit) == ["domain-ended"] })
            _ = try await domain.create()
            await run.expectStanding("started after a crash")
            try await domain.shutdown()
            _ = try await domain.create()
            await run.expectStanding("started after a shutdown")
        }
    }

    @Test("a snapshot has metadata and run as they were; the link stands where its port does")
    func snapshots() async throws {
        try await Running.with { run in
            func snapshot(_ name: String) async throws -> DomainSnapshot {
                try await run.domain.createSnapshot(
                    xmlDesc: "<domainsnapshot><name>\(name)</name></domainsnapshot>")
            }
            let early = try await snapshot("early")
            try await run.libvirtd.set(
                "<port name='a' linger='60s'/><port name='b'/>", of: run.domain, .live)
            try await run.libvirtd.set(
                "<port name='a' linger='60s'/><port name='b'/>", of: run.domain, .config)
            await run.expectStanding("changed", ["a", "b"])
            let late = try await snapshot("late")

            // STOPPED/FROM_SNAPSHOT, STARTED/FROM_SNAPSHOT, and no METADATA_CHANGE.
            try await early.revert()
            await run.expectStanding("as it was early", ["a"])
            try await late.revert()
            await run.expectStanding("as it was late", ["a", "b"])

            try await run.domain.destroy()
            let stopped = try await snapshot("stopped")
            try await early.revert()
            await run.expectStanding("running again, as it was early", ["a"])
            try await stopped.revert()
            await run.expectStanding("stopped, within the linger", ["a", "b"])
            #expect(try await run.domain.isActive() == false)
        }
    }

    @Test("a domain that is renamed keeps its sockets and its link, and has its new name")
    func renamed() async throws {
        try await Running.with { run in
            try await run.domain.destroy()
            _ = try await run.domain.rename(newName: "other")
            #expect(await eventually { await run.it.port("a")?.vm_name.text == "other" })
            await run.expectStanding("renamed")
            let other = try await run.libvirtd.connection.lookUpDomain(name: "other")
            _ = try await other.create()
            await run.expectStanding("started with another name")
            // The same UUID under the old name is no other domain either.
            try await other.destroy()
            try await other.undefine()
            _ = try await run.libvirtd.define("<memif:port name='a' linger='60s'/>")
            #expect(await eventually { await run.it.port("a")?.vm_name.text == "vm-1" })
            await run.expectStanding("defined anew at once")
        }
    }
}

import Libvirt
import LibvirtProtocol
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

extension QEMUTests {
    /// Starts of which no event tells, guests that crash and are kept, and a libvirtd that dies.
    @Suite("Starts and deaths")
    struct StartTests {
        @Test("a start that waits has its ports at once; one that fails leaves nothing of itself")
        func starts() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let nobody = "\(libvirtd.scratch.path)/nobody.sock"
                try await RealDaemon.run(in: libvirtd.scratch, uri: libvirtd.uri) { it in
                    // As long as the socket is missing, the call does not return and nothing is told.
                    let waiting = EmptyMachine(missingSocket: (nobody, reconnects: true))
                    let start = Task {
                        try await libvirtd.connection.createDomain(xml: waiting.xml)
                    }
                    #expect(await eventually { it.stands(["a"]) })
                    #expect(
                        await eventually {
                            await it.port("a")?.reason.text.contains("being started") == true
                        })
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.link != nil })
                    let link = try #require(slave.link)
                    let domain = try await libvirtd.connection.lookUpDomain(name: waiting.name)
                    // The start that fails by it may be first to take the domain away.
                    try? await domain.destroy()
                    await #expect(throws: (any Error).self) { try await start.value }
                    // It has never run, so that no linger of a minute is due.
                    #expect(await eventually { link.end != nil && it.hasNoDirectories })

                    let failing = EmptyMachine(
                        vm: Sample.vm(2), missingSocket: (nobody, reconnects: false))
                    let defined = try await libvirtd.connection.defineDomain(xml: failing.xml)
                    #expect(await eventually { it.stands(["a"], vm: failing.vm) })
                    await #expect(throws: LibvirtError.self) { try await defined.create() }
                    #expect(await eventually { await it.state("a", vm: failing.vm) == "Waiting" })
                    #expect(it.stands(["a"], vm: failing.vm))
                    try await defined.undefine()
                    #expect(await eventually { it.hasNoDirectories })
                }
            }
        }

        @Test("a guest that crashes and is kept keeps its link, and its port says what to do")
        func preserved() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let machine = EmptyMachine(
                    ports: "<memif:port name='a' linger='0'/>", onCrash: "preserve")
                try await RealDaemon.run(in: libvirtd.scratch, uri: libvirtd.uri) { it in
                    let domain = try await libvirtd.connection.createDomain(xml: machine.xml)
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.link != nil })
                    let link = try #require(slave.link)
                    try await domain.panic()
                    #expect(await eventually { await it.state("a") == "Degraded" })
                    #expect(await it.port("a")?.remedy.text.contains("reset or destroy") == true)
                    #expect(link.isUp && it.stands(["a"]))
                    try await domain.destroy()
                    #expect(await eventually { link.end?.reason.text == "domain shut off" })
                    #expect(await eventually { it.hasNoDirectories })
                }
            }
        }

        @Test(
            "libvirtd is killed: who lives on notices nothing, who dies meanwhile is missed after it"
        )
        func libvirtdDies() async throws {
            let ports = "<memif:port name='a' linger='0'/>"
            let alive = EmptyMachine(vm: Sample.vm(1), ports: ports)
            let dead = EmptyMachine(vm: Sample.vm(2), ports: ports)
            let gone = EmptyMachine(vm: Sample.vm(3), ports: ports)
            try await QEMULibvirtd.with { libvirtd in
                let audit = "\(libvirtd.scratch.path)/audit.log"
                try await RealDaemon.run(
                    in: libvirtd.scratch, uri: libvirtd.uri, { $0.auditLog = audit }
                ) { it in
                    for machine in [alive, dead] {
                        let domain = try await libvirtd.connection.defineDomain(xml: machine.xml)
                        _ = try await domain.create()
                    }
                    _ = try await libvirtd.connection.createDomain(xml: gone.xml)
                    var links: [VMIdentifier: MemifLink] = [:]
                    var slaves: [MemifInterface] = []
                    for machine in [alive, dead, gone] {
                        #expect(await eventually { await it.state("a", vm: machine.vm) == "Ready" })
                        let slave = try it.slave("a", vm: machine.vm)
                        #expect(await eventually { slave.link != nil })
                        links[machine.vm] = slave.link
                        slaves.append(slave)
                    }

                    libvirtd.kill()
                    #expect(
                        await eventually { (try? await it.status().libvirt_connected) == false })
                    for machine in [dead, gone] { #expect(libvirtd.killProcess(of: machine.name)) }
                    for machine in [alive, dead, gone] {
                        #expect(links[machine.vm]?.isUp == true && it.stands(["a"], vm: machine.vm))
                    }

                    try await libvirtd.start()
                    #expect(await eventually { it.stands([], vm: gone.vm) })
                    #expect(await eventually { await it.state("a", vm: dead.vm) == "Waiting" })
                    for machine in [dead, gone] {
                        #expect(
                            await eventually {
                                links[machine.vm]?.end?.reason.text == "domain shut off"
                            })
                    }
                    #expect(
                        await eventually {
                            AuditLine.incidents(audit).contains("domain-ended")
                        })
                    let survivor = try await libvirtd.connection.lookUpDomain(name: alive.name)
                    #expect(try await survivor.state().state == .running)
                    #expect(links[alive.vm]?.isUp == true)
                    // It goes on as one that was never away.
                    try await survivor.suspend()
                    #expect(
                        await eventually {
                            await it.port("a", vm: alive.vm)?.reason.text.contains("paused") == true
                        })
                    for slave in slaves { slave.remove() }
                }
            }
        }
    }
}

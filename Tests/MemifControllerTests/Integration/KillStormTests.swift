import Libvirt
import LibvirtProtocol
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

@Suite("virtwired killed again and again", .serialized)
struct KillStormTests {
    /// What should stand, in the end, for each domain that is defined.
    private struct World {
        let libvirtd: PrivateLibvirtd
        var domains: [UInt8: Domain] = [:]
        var ports: [UInt8: Set<String>] = [:]

        /// Does something that a user could do, and notes what should come of it.
        mutating func operate(_ random: inout SeededGenerator) async throws {
            let number = UInt8.random(in: 1...4, using: &random)
            let names = ["a", "b", "c"].filter { _ in Bool.random(using: &random) }
            let xml = names.map { "<memif:port name='\($0)' linger='0'/>" }.joined()
            guard let domain = domains[number] else {
                domains[number] = try await libvirtd.define(xml, vm: Sample.vm(number))
                ports[number] = Set(names)
                return
            }
            let isActive = try await domain.isActive()
            switch Int.random(in: 0..<4, using: &random) {
            case 0:
                if isActive { try await domain.destroy() } else { _ = try await domain.create() }
            case 1:
                if isActive { try await domain.destroy() }
                try await domain.undefine()
                domains[number] = nil
                ports[number] = nil
            default:
                let plain = xml.replacing("memif:", with: "")
                if isActive { try await libvirtd.set(plain, of: domain, .live) }
                try await libvirtd.set(plain, of: domain, .config)
                ports[number] = Set(names)
            }
        }

        func stands(_ daemon: DaemonProcess) -> Bool {
            (1...4).allSatisfy { daemon.stands(ports[$0] ?? [], vm: Sample.vm($0)) }
        }
    }

    @Test("killed at any moment, the next one always ends with exactly the wanted sockets")
    func storm() async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var world = World(libvirtd: try await PrivateLibvirtd(in: Scratch()))
        for round in 0..<30 {
            let daemon = try await DaemonProcess(in: world.libvirtd.scratch)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                try await world.operate(&random)
            }
            // Every third life is long enough to put everything right; the others end in the midst.
            if round % 3 == 2 {
                let converged = await eventually { world.stands(daemon) }
                #expect(converged, "seed \(seed), round \(round): wanted \(world.ports)")
            }
            daemon.process.kill()
            await daemon.process.waitForEnd()
        }
        let last = try await DaemonProcess(in: world.libvirtd.scratch)
        let converged = await eventually { world.stands(last) }
        #expect(converged, "seed \(seed): wanted \(world.ports), \(last.process.output)")
        // Nothing of the dead is left: no temporary socket, no directory of a domain that has gone.
        let directories = try Directory.entries(of: last.layout.domainsDirectory)
        let wanted = world.ports.filter { !$0.value.isEmpty }.map { "\(Sample.vm($0.key))" }
        #expect(Set(directories) == Set(wanted), "seed \(seed)")
        last.process.signal(15)
        #expect(await last.process.waitForEnd() == 0)
    }
}

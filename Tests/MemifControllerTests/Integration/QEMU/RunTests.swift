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
        private static func send(_ count: Int, over link: MemifLink) async throws {
            guard var sender = link.takeTransmitQueue(0) else {
                Issue.record("the link has no queue")
                return
            }
            var frames = FrameBatch()
            frames.append(Array(repeating: 0xFF, count: 60))
            for _ in 0..<count {
                let sent = try await eventually { try sender.transmitBurst(frames) == 1 }
                #expect(sent)
            }
        }

        @Test(
            "pause, reset, crash, power-off, save, restore, kill of QEMU: one link from end to end")
        func oneLink() async throws {
            try await QEMULibvirtd.with { libvirtd in
                let audit = "\(libvirtd.scratch.path)/audit.log"
                let machine = EmptyMachine(onCrash: "restart")
                try await RealDaemon.run(
                    in: libvirtd.scratch, uri: libvirtd.uri, { $0.auditLog = audit }
                ) { it in
                    let domain = try await libvirtd.connection.defineDomain(xml: machine.xml)
                    #expect(await eventually { await it.state("a") == "Waiting" })
                    let slave = try it.slave("a")
                    #expect(await eventually { slave.lastEnd?.reason.text == "domain shut off" })
                    _ = try await domain.create()
                    #expect(await eventually { await it.state("a") == "Connected" })
                    #expect(await eventually { slave.link != nil })
                    let link = try #require(slave.link)
                    func stands(_ what: Comment) async {
                        #expect(link.isUp && it.stands(["a"]), what)
                        #expect(await eventually { await it.port("a")?.reason.text == "" }, what)
                        #expect(await it.state("a") == "Connected", what)
                    }

                    // SUSPENDED/PAUSED: what the peer sends is dropped and counted. RESUMED/UNPAUSED.
                    try await domain.suspend()
                    #expect(
                        await eventually {
                            await it.port("a")?.reason.text.contains("paused") == true
                        })
                    try await Self.send(5, over: link)
                    #expect(await eventually { await it.port("a")?.drops == 5 })
                    try await domain.resume()
                    await stands("resumed")

                    // REBOOT, and a guest that crashes and is started anew.
                    try await domain.reset()
                    try await domain.panic()
                    #expect(await eventually { Self.incidents(audit) == ["crashed"] })
                    await stands("reset, and crashed")

                    // SHUTDOWN/GUEST, STOPPED/SHUTDOWN, and up again within the linger.
                    let isOff = try await eventually {
                        // Before the firmware has set the machine up this does nothing.
                        try? await domain.powerOff()
                        return try await domain.state().state == .shutoff
                    }
                    #expect(isOff)
                    _ = try await domain.create()
                    await stands("started anew")

                    // STOPPED/SAVED, STARTED/RESTORED, RESUMED/FROM_SNAPSHOT.
                    let file = "\(libvirtd.scratch.path)/saved"
                    try await domain.save(to: file)
                    #expect(link.isUp && it.stands(["a"]))
                    try await libvirtd.connection.restoreDomain(from: file)
                    await stands("restored")

                    // STOPPED/FAILED, with the state "crashed".
                    #expect(libvirtd.killProcess(of: machine.name))
                    try await Self.wait(for: domain, .shutoff)
                    #expect(
                        await eventually {
                            Self.incidents(audit) == ["crashed", "ended by itself"]
                        })
                    _ = try await domain.create()
                    await stands("started after its death")

                    // STOPPED/DESTROYED: from now on without a linger.
                    try await domain.destroy()
                    #expect(link.isUp)
                    var other = machine
                    other.ports = "<memif:port name='a' linger='0'/>"
                    _ = try await libvirtd.connection.defineDomain(xml: other.xml)
                    #expect(await eventually { link.end?.reason.text == "domain shut off" })

                    // UNDEFINED/RENAMED, DEFINED/RENAMED: it is the same domain.
                    let before = try FileStatus(path: it.layout.socket(of: machine.vm, port: "a"))
                    _ = try await domain.rename(newName: "other")
                    #expect(await eventually { await it.port("a")?.vm_name.text == "other" })
                    let after = try FileStatus(path: it.layout.socket(of: machine.vm, port: "a"))
                    #expect(before.identity == after.identity)
                    try await libvirtd.connection.lookUpDomain(name: "other").undefine()
                    #expect(await eventually { it.hasNoDirectories })
                }
            }
        }

        /// The lines of an audit log that tell of domains.
        static func incidents(_ path: String) -> [String] {
            struct Line: Decodable { var procedure: String }
            let text = (try? File.read(path, limit: 1 << 16)) ?? []
            return text.split(separator: UInt8(ascii: "\n")).compactMap {
                try? JSONDecoder().decode(Line.self, from: Data($0)).procedure
            }
        }

        /// Waits until a domain is in a state, whatever its guest has to do for that.
        static func wait(for domain: Domain, _ state: virDomainState) async throws {
            let isThere = try await eventually { try await domain.state().state == state }
            try #require(isThere)
        }
    }
}

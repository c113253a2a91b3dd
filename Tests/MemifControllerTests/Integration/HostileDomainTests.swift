import Libvirt
import LibvirtProtocol
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("Domains that ask for too much, on a real libvirtd", .serialized)
struct HostileDomainTests {
    @Test("a domain with seventy thousand mistakes costs no other its status")
    func manyMistakes() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            _ = try await libvirtd.define("<memif:port name='a'/>")
            let mistakes = String(repeating: "<memif:x/>", count: 70_000)
            _ = try await libvirtd.define("<memif:port name='b'/>\(mistakes)", vm: Sample.vm(2))
            #expect(await eventually { it.stands(["a"]) && it.stands(["b"], vm: Sample.vm(2)) })
            #expect(await eventually { await it.port("memif:ports", vm: Sample.vm(2)) != nil })
            #expect(await it.state("a") == "Waiting")
            let rows = try await it.status().ports.filter { $0.vm_uuid.bytes == Sample.vm(2).bytes }
            #expect(rows.count == DeclaredPorts.mostFindings + 2)
        }
    }

    @Test("a domain with a name of seventy thousand bytes costs no other its status")
    func longName() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            _ = try await libvirtd.define("<memif:port name='a'/>")
            let name = String(repeating: "n", count: 70_000)
            _ = try await libvirtd.connection.defineDomain(
                xml: Sample.xml("<memif:port name='b'/>", name: name, vm: Sample.vm(2)))
            #expect(await eventually { it.stands(["a"]) && it.stands(["b"], vm: Sample.vm(2)) })
            #expect(await eventually { await it.state("b", vm: Sample.vm(2)) == "Waiting" })
            let port = try #require(await it.port("b", vm: Sample.vm(2)))
            #expect(port.vm_name.text == String(repeating: "n", count: 1021) + "…")
            #expect(await it.state("a") == "Waiting")
        }
    }

    @Test("a path over 107 bytes: the port says so, its neighbour stands, the domain runs")
    func longPath() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let deep = "\(libvirtd.scratch.path)/" + String(repeating: "d", count: 30)
        try await RealDaemon.run(in: libvirtd.scratch) {
            $0.runtimeDirectory = deep
        } _: { it in
            let long = String(repeating: "n", count: 40)
            let domain = try await libvirtd.define(
                "<memif:port name='a'/><memif:port name='\(long)'/>")
            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Ready" })
            let port = try #require(await it.port(long))
            #expect(port.state.text == "Failed")
            #expect(port.reason.text.contains("a socket's address holds 107"))
            #expect(port.remedy.text.contains("shorter name"))
            #expect(try await domain.isActive())
        }
    }

    @Test("a directory that cannot be made: the port says so, and stands once it can be")
    func directoryInTheWay() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        try await RealDaemon.run(in: libvirtd.scratch) { it in
            // Root may write everywhere, so a file stands where the directory has to.
            let place = it.layout.directory(of: Sample.vm(1))
            try File.replace(place, with: [1])
            let domain = try await libvirtd.define("<memif:port name='a'/>")
            _ = try await domain.create()
            #expect(await eventually { await it.state("a") == "Failed" })
            let port = try #require(await it.port("a"))
            #expect(port.reason.text.contains("the directory for the sockets cannot be made"))
            #expect(try await domain.isActive())
            try File.remove(place)
            #expect(await eventually { await it.state("a") == "Ready" })
        }
    }
}

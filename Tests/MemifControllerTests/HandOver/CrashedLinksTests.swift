import LibvirtRPC
import LinuxIO
import Testing
import VirtwireProtocol

@testable import MemifController

@Suite("What is read of what was kept for a crash")
struct CrashedLinksTests {
    private let record = Sample.link

    /// A state of a port with a link, which needs a listener, a socket, a region and a ring.
    private func state(
        of port: String, connects: UInt64 = 1, sources: [UInt32], version: UInt32 = 2
    ) throws -> PassedDescriptors {
        let specification = PortSpecification(
            vm: Sample.vm(1), domainName: "web", declaration: Sample.port(port),
            path: "/run/\(port).sock", user: nil, group: nil, secret: nil, memory: 4096,
            admission: .open)
        var traffic = PortTraffic()
        traffic.connects = connects
        var frozen = FrozenState()
        frozen.append(
            FrozenPort(
                state: virtwire_port_state(
                    specification, FileIdentity(device: 1, inode: 2), [record], traffic),
                descriptors: PassedDescriptors(DescriptorQueue()), traffic: traffic))
        frozen.state.sources = sources
        frozen.state.version = version
        return Self.passed(try frozen.file())
    }

    private func part() throws -> PassedDescriptors {
        Self.passed(try OwnedDescriptor.memoryFile(name: "part", byteCount: 1))
    }

    private static func passed(_ descriptor: consuming OwnedDescriptor) -> PassedDescriptors {
        var one = DescriptorQueue()
        one.append(descriptor)
        return PassedDescriptors(one)
    }

    private func links(parts: Int) throws -> CrashedLinks {
        var links = CrashedLinks()
        for number in 0..<parts { links.add(.linkPart(number), try part()) }
        return links
    }

    @Test("ports may have files in common, and what belongs to no state is left")
    func whole() throws {
        var links = try links(parts: 9)
        links.add(.linkState(1), try state(of: "a", sources: [3, 0, 1, 2]))
        links.add(.linkState(2), try state(of: "b", sources: [4, 5, 1, 6]))
        let inheritance = try links.read()
        #expect(inheritance.isFromCrash && inheritance.losses == [])
        #expect(inheritance.ports.count == 2)
        for name in ["a", "b"] {
            let port = try #require(inheritance.ports.claim("/run/\(name).sock"))
            #expect(port.isFromCrash && port.links == [record] && port.descriptors.count == 4)
        }
    }

    @Test("of two states for one port the later one holds")
    func later() throws {
        var links = try links(parts: 8)
        links.add(.linkState(10), try state(of: "a", connects: 2, sources: [0, 1, 2, 3]))
        links.add(.linkState(9), try state(of: "a", connects: 1, sources: [4, 5, 6, 7]))
        let port = try #require(try links.read().ports.claim("/run/a.sock"))
        #expect(port.traffic.connects == 2)
    }

    @Test("a port that lacks a file, or has one of which nobody knows which it is, costs no other")
    func losses() throws {
        var links = try links(parts: 8)
        links.add(.linkState(1), try state(of: "a", sources: [0, 1, 2, 8]))
        links.add(.linkState(2), try state(of: "b", sources: [0, 1, 2, 7]))
        links.add(.linkState(3), try state(of: "c", sources: [3, 4, 5]))
        links.add(.linkState(4), try state(of: "d", sources: [3, 4, 5, 6]))
        links.add(.linkPart(7), try part())
        let inheritance = try links.read()
        #expect(inheritance.ports.specifications.map(\.declaration.name) == ["d"])
        #expect(inheritance.losses.count == 3)
        let reasons = inheritance.losses.map(\.reason)
        #expect(reasons[0].contains("no descriptor 8 of a link"))
        #expect(reasons[1].contains("no descriptor 7 of a link"))
        #expect(reasons[2].contains("3 descriptors where a port has 4"))
    }

    private func obstacle(_ links: CrashedLinks) -> DescriptorStore.Obstacle? {
        do throws(DescriptorStore.Obstacle) {
            _ = try links.read()
            return nil
        } catch {
            return error
        }
    }

    @Test("nothing of use is said so; what another version has kept is left to it")
    func nothing() throws {
        guard case .useless(let problem) = obstacle(try links(parts: 3)) else {
            Issue.record("parts alone are of use")
            return
        }
        #expect(problem.reason.contains("descriptors and no state"))
        var poor = CrashedLinks()
        poor.add(.linkState(1), try state(of: "a", sources: [0, 1, 2, 3]))
        guard case .useless = obstacle(poor) else {
            Issue.record("a state alone is of use")
            return
        }
        var newer = try links(parts: 4)
        newer.add(.linkState(1), try state(of: "a", sources: [0, 1, 2, 3], version: 9))
        guard case .otherVersion(let problem) = obstacle(newer) else {
            Issue.record("a state of version 9 is read")
            return
        }
        #expect(problem.reason.contains("of version 9"))
    }
}

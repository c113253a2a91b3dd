import LibvirtRPC
import LinuxIO
import Memif
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("What one daemon leaves to the next")
struct InheritanceTests {
    private let record = LinkRecord(
        terms: LinkTerms(
            id: 7, mode: .ethernet, peerName: "peer", peerInterfaceName: "memif0/0",
            layout: .lines128,
            rings: [
                .init(direction: .slaveToMaster, index: 0, region: 0, offset: 0, log2Size: 10),
                .init(
                    direction: .masterToSlave, index: 0, region: 0, offset: 16_512, log2Size: 10,
                    privateHeaderByteCount: 4),
            ]),
        regionByteCounts: [1 << 20, 1 << 30],
        peer: PeerCredentials(process: 4711, user: 12, group: 13))

    private let condition = DomainState.Dated(
        condition: PortCondition(.waiting, reason: "why", remedy: "what"), since: 1234)

    private func specification(_ name: String, vm: VMIdentifier) -> PortSpecification {
        PortSpecification(
            vm: vm, domainName: "web", declaration: Sample.port(name) { $0.queues = 3 },
            path: "/run/\(name).sock", user: 1, group: 2, secret: PortSecret(present: [1, 2, 3]),
            memory: 4096,
            admission: .open)
    }

    private func port(_ name: String, links: [LinkRecord]) throws -> FrozenPort {
        var traffic = PortTraffic()
        traffic.receivedPackets = 5
        traffic.connects = 2
        traffic.lastDisconnect = "enough"
        (traffic.droppedPackets, traffic.malformedPackets) = (10, 1)
        (traffic.unsentPackets, traffic.pausedPackets) = (2, 3)
        (traffic.disconnects, traffic.refusals, traffic.linkChanged) = (1, 4, 1700)
        return FrozenPort(
            state: virtwire_port_state(
                specification(name, vm: Sample.vm(1)), FileIdentity(device: 1, inode: 2), links,
                traffic),
            descriptors: PassedDescriptors(
                try descriptors(links.reduce(1) { $0 + $1.descriptorCount })),
            traffic: traffic, condition: condition)
    }

    private func descriptors(_ count: Int) throws -> DescriptorQueue {
        var queue = DescriptorQueue()
        for _ in 0..<count {
            queue.append(try OwnedDescriptor.memoryFile(name: "sample", byteCount: 1))
        }
        return queue
    }

    @Test("everything about a port and its links arrives, but for what is looked up anew")
    func roundTrip() throws {
        var frozen = FrozenState(claim: PassedDescriptors(try descriptors(4)))
        frozen.append(try port("a", links: [record]))
        frozen.append(try port("b", links: []))
        let inheritance = try Inheritance(frozen.file(), frozen.takeDescriptors())
        #expect(inheritance.claim?.count == 4)
        #expect(inheritance.ports.count == 2)
        #expect(inheritance.ports.suggestRunning(Sample.vm(1)))
        #expect(!inheritance.ports.suggestRunning(Sample.vm(2)))
        let a = try #require(inheritance.ports.claim("/run/a.sock"))
        #expect(a.links == [record] && a.descriptors.count == 6)
        #expect(a.specification.declaration == specification("a", vm: Sample.vm(1)).declaration)
        #expect(a.specification.secret == nil && a.identity == FileIdentity(device: 1, inode: 2))
        #expect(a.traffic.receivedPackets == 5 && a.traffic.lastDisconnect == "enough")
        #expect(a.traffic.malformedPackets == 1 && a.traffic.unsentPackets == 2)
        #expect(a.traffic.pausedPackets == 3 && a.traffic.earlierDrops == 4)
        #expect(a.traffic.disconnects == 1 && a.traffic.refusals == 4)
        #expect(a.traffic.linkChanged == 1700 && a.condition == condition)
        #expect(inheritance.ports.conditions(of: Sample.vm(1)) == ["b": condition])
        #expect(inheritance.ports.claim("/run/a.sock") == nil)
        // What nobody claims goes on to the next process, and stays here.
        let next = try inheritance.ports.frozen()
        #expect(next.count == 1 && next.first?.descriptors.count == 1)
        #expect(next.first?.traffic.refusals == 4 && next.first?.condition == condition)
        #expect(inheritance.ports.claimAll().first?.descriptors.count == 1)
    }

    @Test("the state of a process of the first version has no past, and everything else")
    func firstVersion() throws {
        var frozen = FrozenState()
        frozen.append(try port("a", links: [record]))
        frozen.state.version = 1
        let inheritance = try Inheritance(frozen.file(), frozen.takeDescriptors())
        let a = try #require(inheritance.ports.claim("/run/a.sock"))
        #expect(a.links == [record] && a.traffic.receivedPackets == 5)
        #expect(a.traffic.connects == 2 && a.traffic.earlierDrops == 10)
        #expect(a.traffic.refusals == 0 && a.traffic.linkChanged == nil && a.condition == nil)
    }

    @Test("a file that a peer has passed twice is passed on once, and stands for both again")
    func repetitions() throws {
        var files = DescriptorQueue()
        let region = try OwnedDescriptor.memoryFile(name: "region", byteCount: 1)
        let counter = try EventCounter()
        files.append(try OwnedDescriptor.memoryFile(name: "listener", byteCount: 1))
        files.append(try OwnedDescriptor.memoryFile(name: "control", byteCount: 1))
        for _ in 0..<2 { files.append(try region.duplicate()) }
        for _ in 0..<2 { files.append(try counter.descriptor.duplicate()) }
        let state = try port("a", links: [record]).state
        var frozen = FrozenState()
        frozen.append(FrozenPort(state: state, descriptors: PassedDescriptors(files)))
        // Another eventfd is another, though all eventfds are one file.
        var other = DescriptorQueue()
        other.append(try EventCounter().descriptor.duplicate())
        let second = try port("b", links: []).state
        frozen.append(FrozenPort(state: second, descriptors: PassedDescriptors(other)))

        let once = try frozen.withoutRepetitions()
        #expect(once.state.sources == [0, 1, 2, 2, 3, 3, 4])
        let passed = once.takeDescriptors()
        #expect(passed.count == 5)
        let inheritance = try Inheritance(once.file(), passed)
        let descriptors = try #require(inheritance.ports.claim("/run/a.sock")).descriptors
        var all = descriptors.takeAll()
        var identities: [OpenFileIdentity?] = []
        while let descriptor = all.popFirst() {
            identities.append(try descriptor.openFileIdentity())
        }
        #expect(identities.count == 6 && !identities.contains(nil))
        #expect(identities[2] == identities[3] && identities[4] == identities[5])
        #expect(Set(identities).count == 4)

        var odd = FrozenState()
        odd.append(try port("a", links: []))
        odd.state.sources = [1]
        #expect(try problem(odd).contains("descriptor 1 is missing"))
    }

    private func problem(
        _ frozen: FrozenState, surplus: Int = 0
    ) throws -> String {
        var descriptors = frozen.takeDescriptors()
        if surplus < 0 { _ = descriptors.popFirst(-surplus) }
        if surplus > 0 { descriptors.append(contentsOf: try self.descriptors(surplus)) }
        let file = try frozen.file()
        do {
            _ = try Inheritance(file, descriptors)
            return ""
        } catch {
            return error.reason
        }
    }

    @Test("what cannot be used is refused as a whole, with one sentence")
    func unusable() throws {
        var later = FrozenState()
        later.state.version = 3
        #expect(try problem(later).contains("of version 3, and this virtwired knows those up to 2"))
        // Which no other version can have left either.
        var none = FrozenState()
        none.state.version = 0
        #expect(try problem(none).contains("of version 0"))
        let zero = try XDR.encode(UInt32(0))
        #expect(Inheritance.otherVersion(zero) == nil)

        var few = FrozenState()
        few.append(try port("a", links: [record]))
        #expect(try problem(few, surplus: -1).contains("5 descriptors where a port has 6"))
        var many = FrozenState()
        many.append(try port("a", links: []))
        #expect(try problem(many, surplus: 2).contains("2 descriptors belong to nothing"))
        let lost = FrozenState(claim: PassedDescriptors(try descriptors(3)))
        #expect(try problem(lost).contains("first descriptors are missing"))

        var pastless = FrozenState()
        pastless.append(try port("a", links: []))
        pastless.state.ports = []
        #expect(try problem(pastless).contains("the past of 1 ports, and not of all"))

        var odd = FrozenState()
        odd.append(try port("a", links: [record]))
        odd.state.ports[0].links[0].line_size = 32
        #expect(try problem(odd).contains("lines of 32"))
        var ring = FrozenState()
        ring.append(try port("a", links: [record]))
        ring.state.ports[0].links[0].rings[0].log2_size = 300
        #expect(try problem(ring).contains("a ring that no slave can have announced"))
        var attribute = FrozenState()
        attribute.append(try port("a", links: []))
        attribute.state.ports[0].declaration[0].value = "no/name"
        #expect(try problem(attribute).contains("attribute name of a port"))
    }

    @Test("a state that somebody could change still is not read")
    func unsealed() throws {
        let file = try OwnedDescriptor.memoryFile(name: "sample", byteCount: 16)
        let error = #expect(throws: PortError.self) {
            _ = try Inheritance(file, DescriptorQueue())
        }
        #expect(error?.reason.contains("not sealed") == true)
        let short = try OwnedDescriptor.memoryFile(name: "sample", holding: [0, 0])
        #expect(throws: PortError.self) { _ = try Inheritance(short, DescriptorQueue()) }
        let socket = try UnixSocket.pair(.stream)
        #expect(throws: PortError.self) {
            _ = try Inheritance(socket.first.descriptor, DescriptorQueue())
        }
    }
}

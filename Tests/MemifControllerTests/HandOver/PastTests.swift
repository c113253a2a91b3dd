import LibvirtRPC
import LinuxIO
import Logging
import Memif
import Synchronization
import Testing

@testable import MemifController

@Suite("What goes on in another process goes on as it was", .timeLimit(.minutes(4)))
struct PastTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let one = Sample.vm(1)

    private func specification(_ path: String) -> PortSpecification {
        PortSpecification(
            vm: one, domainName: "vm", declaration: Sample.port("a"), path: path, user: nil,
            group: nil, secret: nil, memory: 1 << 30, admission: .open)
    }

    @Test("a link neither comes anew nor has another time, and is over once")
    func link() async throws {
        let scratch = try Scratch()
        let specification = specification("\(scratch.path)/a.sock")
        let first = try MemifPortBackend(logger: logger)
        let earlier = Mutex<[PeerNotice.Event]>([])
        first.whenPeersCome { notice in earlier.withLock { $0.append(notice.event) } }
        let before = try first.open(specification)
        let slave = try RealDaemon.slave(specification.path)
        #expect(await eventually { before.traffic.isLinkUp })
        let since = try #require(before.traffic.linkChanged)
        var frozen = FrozenState()
        frozen.append(try await before.freeze())
        let inheritance = try Inheritance(frozen.file(), frozen.takeDescriptors())
        before.abandon()
        await first.comeRound()
        #expect(earlier.withLock(\.self) == [.connected])
        // One that came now would have another.
        #expect(await eventually { AddedPort.now > since })

        let second = try MemifPortBackend(logger: logger)
        let notices = Mutex<[PeerNotice.Event]>([])
        second.whenPeersCome { notice in notices.withLock { $0.append(notice.event) } }
        second.adopt(inheritance.ports)
        let port = try second.open(specification)
        #expect(port.isInherited && !before.isInherited)
        await second.comeRound()
        #expect(port.traffic.isLinkUp && port.traffic.connects == 1)
        #expect(port.traffic.linkChanged == since)
        slave.remove()
        #expect(await eventually { port.traffic.disconnects == 1 })
        await second.comeRound()
        let events = notices.withLock(\.self)
        guard events.count == 1, case .disconnected = events[0] else {
            Issue.record("\(events)")
            return
        }
    }

    private func host(in scratch: Scratch, audit: String) throws -> Host {
        Host(
            scratch.configuration, backend: FakeBackend(), logger: logger,
            audit: try AuditLog(audit, logger: logger))
    }

    /// A port without links, as another process left it.
    private func left(
        _ host: Host, _ condition: DomainState.Dated? = nil
    ) throws -> [InheritedPort] {
        var listener = DescriptorQueue()
        listener.append(try OwnedDescriptor.memoryFile(name: "listener", byteCount: 1))
        var frozen = FrozenState()
        frozen.append(
            FrozenPort(
                state: .init(
                    specification(host.layout.socket(of: one, port: "a")),
                    FileIdentity(device: 1, inode: 2), [], PortTraffic()),
                descriptors: .init(listener), condition: condition))
        return try Inheritance(frozen.file(), frozen.takeDescriptors()).ports.claimAll()
    }

    @Test("a port of another process that does not go on is closed in the audit")
    func closed() throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/audit.log"
        let host = try host(in: scratch, audit: path)
        host.inherited.add(try left(host))
        host.closeUnclaimed(of: one, beside: ["a"])
        #expect(try File.read(path, limit: 1).isEmpty)
        host.closeUnclaimed(of: one, beside: [])
        let line = String(decoding: try File.read(path, limit: 1 << 16), as: UTF8.self)
        #expect(line.contains(#""event":"port-closed""#) && line.contains(#""port":"a""#))
        #expect(host.inherited.count == 0)
    }

    @Test("a port keeps its time until it is otherwise, and is not opened in the audit")
    func condition() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/audit.log"
        let host = try host(in: scratch, audit: path)
        let claim = try DirectoryClaim(host)
        let waiting = PortCondition(.waiting, reason: "domain shut off")
        host.inherited.add(
            try left(host, DomainState.Dated(condition: waiting, since: 1234)))

        let domain = ManagedDomain(one, name: "vm", host: host)
        func look(_ phase: DomainPhase) async {
            let xml = Sample.xml("<memif:port name='a'/><memif:port name='b'/>")
            _ = await domain.reconcile(
                DomainReading(name: "vm", phase: phase, xml: xml), LookTimes(noticed: .now))
        }
        await look(.off(nil))
        #expect(
            domain.snapshot.conditions["a"]
                == DomainState.Dated(condition: waiting, since: 1234))
        #expect(try #require(domain.snapshot.conditions["b"]?.since) > 1234)
        let lines = String(decoding: try File.read(path, limit: 1 << 16), as: UTF8.self)
        #expect(lines.split(separator: "\n").count == 1 && lines.contains(#""port":"b""#))
        await look(.running)
        #expect(try #require(domain.snapshot.conditions["a"]?.since) > 1234)
        claim.leave()
    }
}

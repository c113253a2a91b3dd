import LibvirtRPC
import Testing
import VirtwireProtocol

@testable import LinuxIO
@testable import MemifController

@Suite("Links that a service manager keeps for the case of a crash")
struct CrashStoreTests {
    private let scratch: Scratch
    private let manager: StandInManager
    private let log = KeptLog()

    init() throws {
        scratch = try Scratch()
        manager = try StandInManager(at: "\(scratch.path)/notify")
    }

    private func service(capacity: Int = 100, at path: String? = nil) throws -> ServiceManager {
        let service = try ServiceManager(
            socket: path ?? manager.path, watchdogMicroseconds: nil, watchdogProcess: nil,
            storeCapacity: "\(capacity)")
        return try #require(service)
    }

    private func store(
        _ service: ServiceManager, retry: Duration = .seconds(10)
    ) -> CrashStore {
        CrashStore(service, logger: log.logger, retry: retry)
    }

    /// A port with a link: a listener, a socket, a region and a ring, none of which is one.
    private func port(_ name: String, of domain: String = "web") throws -> FrozenPort {
        let specification = PortSpecification(
            vm: Sample.vm(1), domainName: domain, declaration: Sample.port(name),
            path: "/run/\(name).sock", user: nil, group: nil, secret: nil, memory: 4096,
            admission: .open)
        var files = DescriptorQueue()
        for _ in 0..<4 { files.append(try OwnedDescriptor.memoryFile(name: "file", byteCount: 1)) }
        return FrozenPort(
            state: virtwire_port_state(
                specification, FileIdentity(device: 1, inode: 2), [Sample.link], PortTraffic()),
            descriptors: PassedDescriptors(files))
    }

    private func look(_ name: String, of domain: String = "web") throws -> CrashStore.Look {
        let port = try port(name, of: domain)
        return {
            var copy = port
            guard let descriptors = try? port.descriptors.duplicate() else { return nil }
            copy.descriptors = descriptors
            return copy
        }
    }

    @Test(
        "nothing is passed on before it may be; then all is, each change, and at the end nothing is left"
    )
    func life() async throws {
        defer { manager.stop() }
        let service = try service()
        let store = store(service)
        store.note("/run/a.sock", try look("a"))
        store.note("/run/b.sock", try look("b"))
        store.note("/run/c.sock", try look("c"))
        // Of several changes only the last.
        store.note("/run/c.sock") { nil }
        #expect(manager.count == 0)
        store.open()
        #expect(await eventually { manager.linkCount == 2 && manager.count == 10 })
        store.note("/run/b.sock", try look("b"))
        #expect(await eventually { manager.lines.contains("FDNAME=virtwired-s3") })
        #expect(await eventually { manager.count == 10 })
        store.note("/run/a.sock") { nil }
        #expect(await eventually { manager.linkCount == 1 && manager.count == 5 })

        let kept = try DescriptorStore(manager: service).take(manager.shuffled())
        let inheritance = try #require(kept)
        #expect(inheritance.isFromCrash && inheritance.losses == [])
        #expect(inheritance.ports.specifications.map(\.path) == ["/run/b.sock"])
        await store.end()
        #expect(await eventually { manager.count == 0 })
        // A state goes before its files.
        let gone = manager.lines.filter { $0.hasPrefix("FDNAME=") }.suffix(5)
        #expect(gone.first == "FDNAME=virtwired-s3")
        store.note("/run/a.sock", try look("a"))
        await store.end()
        #expect(manager.count == 0)
    }

    @Test("what there is no room for is left out, and costs nothing that is there")
    func full() async throws {
        defer { manager.stop() }
        let store = store(try service(capacity: 9))
        store.open()
        let a = try look("a")
        store.note("/run/a.sock", a)
        #expect(await eventually { manager.count == 5 })
        store.note("/run/b.sock", try look("b"))
        #expect(await eventually { log.lines.count == 1 })
        // Said once, whatever fits meanwhile.
        store.note("/run/a.sock", a)
        #expect(await eventually { manager.lines.contains("FDNAME=virtwired-s2") })
        let (rounds, round) = AsyncStream.makeStream(of: Void.self)
        let look = try look("c")
        store.note("/run/c.sock") {
            round.finish()
            return look()
        }
        for await _ in rounds {}
        await store.end()
        #expect(log.lines == ["a crash of this process would end links"])
        #expect(await eventually { manager.count == 0 })
        #expect(!manager.lines.contains("FDNAME=virtwired-s3"))
    }

    @Test("a port whose state cannot be written leaves nothing of the one before")
    func unwritable() async throws {
        defer { manager.stop() }
        let store = store(try service())
        store.open()
        store.note("/run/a.sock", try look("a"))
        store.note("/run/b.sock", try look("b"))
        #expect(await eventually { manager.linkCount == 2 && manager.count == 10 })
        let name = String(repeating: "x", count: VIRTWIRE_STRING_MAX + 1)
        store.note("/run/a.sock", try look("a", of: name))
        #expect(await eventually { log.lines == ["a crash of this process would end a link"] })
        #expect(await eventually { manager.linkCount == 1 && manager.count == 5 })
        await store.end()
        #expect(await eventually { manager.count == 0 })
    }

    /// Has nobody listen where the manager does while something is done.
    private func withoutManager(_ body: () async throws -> Void) async throws {
        try File.move(manager.path, to: "\(manager.path).away")
        try await body()
        try File.move("\(manager.path).away", to: manager.path)
    }

    @Test("a manager that was away is told everything when it is back, and has nothing from before")
    func back() async throws {
        defer { manager.stop() }
        let store = store(try service(), retry: .milliseconds(1))
        store.open()
        for name in ["a", "b"] { store.note("/run/\(name).sock", try look(name)) }
        #expect(await eventually { manager.linkCount == 2 && manager.count == 10 })
        let warning = "a crash of this process would end links"
        try await withoutManager {
            store.note("/run/b.sock") { nil }
            store.note("/run/c.sock", try look("c"))
            #expect(await eventually { log.lines == [warning] })
        }
        // Two ports before, and two after all of that has gone.
        #expect(await eventually { manager.lines.count { $0 == "FDSTORE=1" } == 20 })
        #expect(await eventually { log.lines.count == 2 })
        #expect(log.lines == [warning, "links stand over a crash of this process again"])
        #expect(manager.linkCount == 2 && manager.count == 10)
        let kept = try DescriptorStore(manager: service()).take(manager.shuffled())
        let inheritance = try #require(kept)
        #expect(inheritance.losses == [])
        #expect(inheritance.ports.specifications.map(\.path) == ["/run/a.sock", "/run/c.sock"])
        await store.end()
        #expect(await eventually { manager.count == 0 })
    }

    @Test("what a manager that was away has not heard of is gone at the end all the same")
    func endAfterLoss() async throws {
        defer { manager.stop() }
        // Before it would be tried again.
        let store = store(try service())
        store.open()
        store.note("/run/a.sock", try look("a"))
        #expect(await eventually { manager.count == 5 })
        try await withoutManager {
            store.note("/run/a.sock") { nil }
            #expect(await eventually { log.lines.count == 1 })
        }
        await store.end()
        #expect(await eventually { manager.count == 0 })
    }

    @Test("what was left in order goes before what was kept for a crash")
    func order() async throws {
        defer { manager.stop() }
        let service = try service()
        let store = store(service)
        store.note("/run/a.sock", try look("a"))
        store.open()
        #expect(await eventually { manager.linkCount == 1 })
        var frozen = FrozenState()
        frozen.append(try port("b"))
        try await Controller.onThread { [frozen] () throws(PortError) in
            try DescriptorStore(manager: service).keep(frozen)
        }
        let kept = try DescriptorStore(manager: service).take(manager.shuffled())
        let inheritance = try #require(kept)
        #expect(!inheritance.isFromCrash)
        #expect(inheritance.ports.specifications.map(\.path) == ["/run/b.sock"])
        // All of it goes.
        await inheritance.forget()
        #expect(await eventually { manager.count == 0 })
    }

    @Test("a manager that is away keeps nothing, and nobody waits for it")
    func away() async throws {
        defer { manager.stop() }
        let store = store(try service(at: "\(scratch.path)/nobody"))
        store.note("/run/a.sock", try look("a"))
        store.open()
        #expect(await eventually { log.lines.count == 1 })
        store.note("/run/b.sock", try look("b"))
        await store.end()
        #expect(log.lines == ["a crash of this process would end links"])
        #expect(manager.count == 0)
    }
}

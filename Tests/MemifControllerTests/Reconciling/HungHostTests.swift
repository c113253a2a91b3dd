import Glibc
import Logging
import Testing

@testable import LinuxIO
@testable import MemifController

@Suite("A host that does not answer", .timeLimit(.minutes(4)))
struct HungHostTests {
    @Test("domains whose secret cannot be read for waiting hold up no other, nor the daemon")
    func secrets() async throws {
        let scratch = try Scratch()
        let secrets = scratch.configuration.secretsDirectory
        try Directory.ensure(secrets, mode: 0o700)
        // Whoever reads it waits, as for a disk that hangs, until the only writer is gone.
        let secret = "\(secrets)/s"
        #expect(unsafe mkfifo(secret, 0o600) == 0)
        var writer: FileLock? = try FileLock(path: secret)
        try await ControllerHarness.run(in: scratch) { it in
            // More than are looked at at once, and than Swift has threads on most machines.
            let hung = (1...12).map { Sample.vm($0) }
            for vm in hung { it.source.define(vm, "<memif:port name='a' secret-ref='s'/>") }
            #expect(
                await eventually {
                    it.controller.statistics().longestLook > 0
                        && it.controller.host.threads.longestWait > .zero
                })
            let free = Sample.vm(99)
            it.source.define(free, "<memif:port name='a' linger='0'/>")
            #expect(await eventually { it.condition(free, "a")?.state == .waiting })
            it.source.start(free)
            #expect(await eventually { it.port(free, "a")?.admission == .open })
            #expect(it.backend.open.count == 1)

            try File.remove(secret)
            try File.replace(secret, with: Array("open sesame".utf8))
            _ = writer.take()
            #expect(await eventually { it.backend.open.count == 13 })
        }
    }

    @Test("records that cannot be read for waiting take none of Swift's own threads")
    func records() async throws {
        let scratch = try Scratch()
        let layout = RuntimeLayout(scratch.configuration)
        try Directory.ensurePath(layout.recordsDirectory)
        let record = layout.record(of: Sample.vm(1))
        #expect(unsafe mkfifo(record, 0o600) == 0)
        var writer: FileLock? = try FileLock(path: record)
        try await ControllerHarness.run(in: scratch) { it in
            let threads = it.controller.host.threads
            #expect(await eventually { threads.longestWait > .milliseconds(50) })
            _ = writer.take()
            #expect(await eventually { it.controller.isSettled })
        }
    }

    @Test("a gate waits for who is inside for so long only, and is shut until it is opened")
    func gate() async {
        let gate = ReconcileGate()
        let (entries, enter) = AsyncStream.makeStream(of: Void.self)
        let (hold, release) = AsyncStream.makeStream(of: Void.self)
        let inside = Task {
            await gate.pass {
                enter.finish()
                for await _ in hold {}
                return 1
            }
        }
        for await _ in entries {}
        let isEmpty = await gate.shut(within: .milliseconds(10))
        #expect(!isEmpty)
        let shutting = Task { await gate.shut(within: .seconds(3600)) }
        shutting.cancel()
        let isEmptyAfterAll = await shutting.value
        #expect(!isEmptyAfterAll)

        let waiting = Task { await gate.pass { 2 } }
        gate.open()
        let second = await waiting.value
        #expect(second == 2)
        release.finish()
        let first = await inside.value
        #expect(first == 1)
        let isEmptyNow = await gate.shut(within: .seconds(60))
        #expect(isEmptyNow)
        let late = Task { await gate.pass { 3 } }
        gate.lock()
        let third = await late.value
        #expect(third == nil)
    }

    private static func host(in scratch: Scratch, under manager: StandInManager) throws -> Host {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let service = try ServiceManager(
            socket: manager.path, watchdogMicroseconds: nil, watchdogProcess: nil,
            storeCapacity: "64")
        return Host(
            scratch.configuration, backend: try MemifPortBackend(logger: logger), logger: logger,
            store: DescriptorStore(manager: try #require(service)))
    }

    @Test("a look that never ends stops no other domain, and keeps nothing from the next process")
    func endlessLook() async throws {
        let scratch = try Scratch()
        let secrets = scratch.configuration.secretsDirectory
        try Directory.ensure(secrets, mode: 0o700)
        #expect(unsafe mkfifo("\(secrets)/s", 0o600) == 0)
        var writer: FileLock? = try FileLock(path: "\(secrets)/s")
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        let host = try Self.host(in: scratch, under: manager)
        let source = FakeSource()
        let controller = Controller(host, source: source, patience: .milliseconds(200))
        let run = Task { try await controller.run() }
        source.define(Sample.vm(1), "<memif:port name='a' secret-ref='s'/>")
        #expect(await eventually { host.threads.longestWait > .milliseconds(100) })

        let pair = try UnixSocket.pair(.messages)
        let socket = try UnixSocket(adopting: pair.first.descriptor.duplicate())
        let channel = HandOverChannel(socket: try MessageSocket(socket))
        let isHandedOver = await controller.handOver(over: channel, nil)
        #expect(!isHandedOver)
        let free = Sample.vm(2)
        source.define(free, "<memif:port name='a' link='always'/>")
        #expect(await eventually { controller.domain(free)?.snapshot.ports["a"] != nil })

        let call = Task { await controller.lookNow(at: Sample.vm(1)) }
        run.cancel()
        try await run.value
        await call.value
        #expect(host.threads.longestWait > .milliseconds(100))
        // The state, and the free domain's port.
        #expect(manager.count > 1)
        #expect(File.exists(host.layout.socket(of: free, port: "a")))
        // The secret is read, is one, and opens no port any more.
        let file = unsafe open("\(secrets)/s", O_WRONLY)
        #expect(unsafe write(file, "open sesame", 11) == 11)
        close(file)
        _ = writer.take()
        #expect(await eventually { host.threads.longestWait == .zero })
        #expect(!File.exists(host.layout.socket(of: Sample.vm(1), port: "a")))
    }

    @Test("a look that comes to itself when nobody waits for it any more leaves all as it was")
    func unwanted() async throws {
        let scratch = try Scratch()
        let host = Host(
            scratch.configuration, backend: FakeBackend(), logger: Logger(label: "test"))
        let claim = try DirectoryClaim(host)
        let vm = Sample.vm(1)
        let domain = ManagedDomain(vm, name: "vm", host: host)
        func look(_ ports: String) async -> ReconcileQueue.Outcome {
            let reading = DomainReading(name: "vm", phase: .off(nil), xml: Sample.xml(ports))
            return await domain.reconcile(reading, LookTimes(noticed: .now))
        }
        _ = await look("<memif:port name='a'/>")
        let port = try #require(domain.snapshot.ports["a"]?.port as? FakePort)
        let record = try File.read(host.layout.record(of: vm), limit: 1 << 16)
        host.gate.lock()
        let outcome = await look("<memif:port name='b'/>")
        #expect(outcome == .unavailable)
        #expect(domain.snapshot.ports.keys.sorted() == ["a"] && port.closedWith == nil)
        #expect(try File.read(host.layout.record(of: vm), limit: 1 << 16) == record)
        #expect(try Directory.entries(of: host.layout.directory(of: vm)) == ["a.sock"])
        claim.leave()
    }
}

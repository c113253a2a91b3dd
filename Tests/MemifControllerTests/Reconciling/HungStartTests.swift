import Glibc
import Logging
import Memif
import Synchronization
import Testing

@testable import LinuxIO
@testable import MemifController

@Suite("A start on a host that does not answer", .serialized, .timeLimit(.minutes(4)))
struct HungStartTests {
    private let hung = Sample.vm(1)
    private let free = Sample.vm(2)
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A secret that can be read, until it is replaced by one that keeps its readers waiting.
    private struct SlowSecret {
        let path: String

        init(in scratch: Scratch) throws {
            let directory = scratch.configuration.secretsDirectory
            try Directory.ensure(directory, mode: 0o700)
            path = "\(directory)/s"
            try answer()
        }

        /// Whoever reads it waits, as for a disk that hangs, until what is returned is gone.
        func hang() throws -> FileLock {
            try File.remove(path)
            #expect(unsafe mkfifo(path, 0o600) == 0)
            return try FileLock(path: path)
        }

        func answer() throws {
            _ = try? File.remove(path)
            try File.replace(path, with: Array("open sesame".utf8))
        }
    }

    @Test("a domain whose secret cannot be read for waiting keeps nothing else from being back")
    func restart() async throws {
        let scratch = try Scratch()
        let secret = try SlowSecret(in: scratch)
        let source = FakeSource()
        source.define(hung, "<memif:port name='a' secret-ref='s'/>")
        source.define(free, "<memif:port name='a'/>")
        try await ControllerHarness.run(source, in: scratch) { it in
            #expect(await eventually { it.stands([hung: ["a"], free: ["a"]]) })
            #expect(await eventually { it.controller.isSettled })
        }

        var writer: FileLock? = try secret.hang()
        source.disconnect()
        let backend = FakeBackend()
        let controller = Controller(
            Host(scratch.configuration, backend: backend, logger: logger), source: source,
            restoring: .milliseconds(200))
        let isReady = Mutex(false)
        let run = Task {
            try await controller.run { () throws(PortError) -> ControlServer? in
                isReady.withLock { $0 = true }
                return nil
            }
        }
        #expect(await eventually { isReady.withLock(\.self) })
        let layout = controller.host.layout
        let path = layout.socket(of: free, port: "a")
        #expect(await eventually { Set(backend.open.keys) == [path] })
        #expect(controller.domain(hung)?.snapshot.ports.isEmpty == true)

        // A look begins when the ports are back, and no sooner.
        source.connect()
        source.start(free)
        #expect(await eventually { backend.open[path]?.admission == .open })
        #expect(!controller.isSettled)
        try secret.answer()
        _ = writer.take()
        #expect(await eventually { backend.open.count == 2 && controller.isSettled })
        #expect(backend.opened == 2)
        run.cancel()
        try await run.value
    }

    @Test("a take-over with such a domain keeps every link, and has that domain's go on later")
    func takeOver() async throws {
        let scratch = try Scratch()
        let secret = try SlowSecret(in: scratch)
        let source = FakeSource()
        source.define(
            hung, "<memif:port name='a' ring-size='8'/><memif:port name='b' secret-ref='s'/>")
        source.define(free, "<memif:port name='a'/>")
        for vm in [hung, free] { source.start(vm) }
        let layout = RuntimeLayout(scratch.configuration)
        let first = Task { [daemon = try daemon(in: scratch, source)] in try await daemon.run() }
        let paths = [(hung, "b"), (hung, "a"), (free, "a")].map { layout.socket(of: $0, port: $1) }
        #expect(await eventually { paths.allSatisfy { (try? SocketFile.probe($0)) == .live } })
        let slaves = try [
            RealDaemon.slave(paths[0], secret: "open sesame"), RealDaemon.slave(paths[1]),
            RealDaemon.slave(paths[2]),
        ]
        #expect(await eventually { slaves.allSatisfy { $0.link?.isUp == true } })
        let links = slaves.map(\.link)

        var writer: FileLock? = try secret.hang()
        let second = try daemon(in: scratch, source, takesOver: true)
        let isReady = Mutex(false)
        let run = Task { try await second.run { isReady.withLock { $0 = true } } }
        try await first.value
        #expect(await eventually(within: .seconds(60)) { isReady.withLock(\.self) })
        func isUp(_ vm: VMIdentifier, _ name: String = "a") -> Bool {
            second.status().ports.contains {
                $0.vm == vm && $0.name == name && $0.traffic.isLinkUp
            }
        }
        #expect(await eventually { isUp(free) })
        #expect(!isUp(hung, "b"))
        // What stands of the domain does not wait for the rest.
        try await expectPassing(try #require(links[1]))

        try secret.answer()
        _ = writer.take()
        #expect(await eventually { isUp(hung, "b") })
        #expect(slaves.map(\.link).elementsEqual(links, by: ===))
        #expect(links.allSatisfy { $0?.isUp == true })
        run.cancel()
        try await run.value
    }

    /// Sends more frames than the ring holds: the other end has to take some.
    private func expectPassing(_ link: MemifLink) async throws {
        guard var sender = link.takeTransmitQueue(0) else {
            Issue.record("the link has no queue")
            return
        }
        var frames = FrameBatch()
        frames.append(Array(repeating: 0xFF, count: 60))
        for _ in 0..<20 {
            let sent = try await eventually { try sender.transmitBurst(frames) == 1 }
            #expect(sent)
        }
    }

    private func daemon(
        in scratch: Scratch, _ source: FakeSource, takesOver: Bool = false
    ) throws -> Daemon {
        try Daemon(
            scratch.configuration, uri: "fake:///", source: source,
            backend: try MemifPortBackend(logger: logger), logger: logger, takesOver: takesOver)
    }
}

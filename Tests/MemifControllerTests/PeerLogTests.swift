import Dispatch
import LinuxIO
import Logging
import Memif
import MemifTesting
import Synchronization
import Testing

@testable import MemifController

@Suite("Lines of the log about peers", .timeLimit(.minutes(4)))
struct PeerLogTests {
    private func port(_ scratch: Scratch, _ backend: MemifPortBackend) throws -> any Port {
        try backend.open(
            PortSpecification(
                vm: Sample.vm(1), domainName: "vm", declaration: Sample.port("a"),
                path: "\(scratch.path)/a.sock", user: nil, group: nil, secret: nil,
                memory: 1 << 30, admission: .open))
    }

    /// Has a peer come, and go.
    private func visit(_ scratch: Scratch, _ port: any Port) async throws {
        let slave = try RealDaemon.slave("\(scratch.path)/a.sock")
        #expect(await eventually { slave.link != nil && port.traffic.isLinkUp })
        slave.remove()
        #expect(await eventually { !port.traffic.isLinkUp })
    }

    @Test("a log that takes no line stops no link, and has all of them in the end")
    func blocked() async throws {
        let scratch = try Scratch()
        let log = HeldLog()
        defer { log.release() }
        let backend = try MemifPortBackend(logger: log.logger)
        let port = try port(scratch, backend)
        for _ in 0..<3 { try await visit(scratch, port) }
        #expect(port.traffic.connects == 3 && log.lines.isEmpty)
        log.release()
        let pair = ["link up", "link down"]
        #expect(await eventually { log.lines.map(\.message) == pair + pair + pair })
    }

    @Test(
        "whoever is about to end waits for the lines, as long as that takes and no longer than he wants"
    )
    func flush() async throws {
        let scratch = try Scratch()
        let log = HeldLog()
        defer { log.release() }
        let backend = try MemifPortBackend(logger: log.logger)
        let port = try port(scratch, backend)
        try await visit(scratch, port)
        await backend.flushLog(until: .now + .milliseconds(1))
        #expect(log.lines.isEmpty)
        log.release()
        await backend.flushLog(until: .now + .seconds(60))
        #expect(log.lines.map(\.message) == ["link up", "link down"])
    }

    @Test("a peer that comes and goes without end has few lines")
    func restless() async throws {
        let scratch = try Scratch()
        let log = HeldLog()
        log.release()
        let backend = try MemifPortBackend(logger: log.logger)
        let port = try port(scratch, backend)
        let start = ContinuousClock.now
        let visits = RefusalBudget.most
        for _ in 0..<visits { try await visit(scratch, port) }
        #expect(port.traffic.connects == visits)
        #expect(await eventually { log.lines.count >= RefusalBudget.most })
        // However slow this machine is.
        let minutes = Int(start.duration(to: .now) / .seconds(60)) + 1
        #expect(log.lines.count <= minutes * RefusalBudget.most)
    }

    @Test("the lines that are missing are counted in the next")
    func unwritten() async {
        let log = HeldLog()
        let peers = PeerLog()
        peers.note("debug", at: .debug, by: log.logger, ["never": "\(Self.unneeded())"])
        let most = LineBacklog<PeerLog.Line>.most
        for _ in 0..<(most + 10) { peers.note("early", at: .info, by: log.logger, [:]) }
        log.release()
        #expect(await eventually { log.lines.count >= most })
        #expect(
            await eventually {
                peers.note("late", at: .info, by: log.logger, unwritten: 5, [:])
                return log.lines.contains { ($0.unwritten ?? 0) > 5 }
            })
        #expect(log.lines.first?.unwritten == nil)
    }

    private static func unneeded() -> Int {
        Issue.record("a line was made that nobody wants")
        return 0
    }
}

/// A log whose writers wait until it is released.
private final class HeldLog: Sendable {
    struct Line {
        var message: String
        var unwritten: Int?
    }

    private let kept = Mutex<[Line]>([])
    private let gate = DispatchSemaphore(value: 0)

    var lines: [Line] { kept.withLock(\.self) }

    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    func release() { gate.signal() }

    private struct Handler: LogHandler {
        let log: HeldLog
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            // Who has come through lets the next one in.
            log.gate.wait()
            log.gate.signal()
            let unwritten = event.metadata?["unwritten"].flatMap { Int("\($0)") }
            log.kept.withLock {
                $0.append(Line(message: "\(event.message)", unwritten: unwritten))
            }
        }
    }
}

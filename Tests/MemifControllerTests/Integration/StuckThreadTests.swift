import Dispatch
import Logging
import Memif
import Testing

@testable import LinuxIO
@testable import MemifController
@testable import virtwired

@Suite("A packet thread that is stuck", .timeLimit(.minutes(4)))
struct StuckThreadTests {
    /// A port whose packet thread does nothing more until it is let go.
    private final class Stuck {
        let backend: MemifPortBackend
        let port: MemifPort
        private let gate = DispatchSemaphore(value: 0)

        init(_ scratch: Scratch, _ logger: Logger) throws {
            backend = try MemifPortBackend(logger: logger)
            let port = try backend.open(
                PortSpecification(
                    vm: Sample.vm(1), domainName: "vm", declaration: Sample.port("a"),
                    path: "\(scratch.path)/a.sock", user: nil, group: nil, secret: nil,
                    memory: 1 << 30, admission: .open))
            self.port = try #require(port as? MemifPort)
            self.port.worker.submit { [gate] in gate.wait() }
        }

        deinit { gate.signal() }
    }

    @Test("metrics and reports keep the daemon from ending no longer; one line tells of it")
    func end() async throws {
        let scratch = try Scratch()
        let log = KeptLog()
        let stuck = try Stuck(scratch, log.logger)
        let manager = try StandInManager(at: "\(scratch.path)/notify")
        defer { manager.stop() }
        var daemon = try Daemon(
            scratch.configuration, uri: "fake:///", source: FakeSource(), backend: stuck.backend,
            logger: log.logger)
        daemon.lastWords = .milliseconds(200)
        let socket = "\(scratch.path)/metrics.sock"
        let settings = try Settings(flags: [:], environment: [:], file: nil)
        let service = DaemonService(
            daemon: daemon, metrics: .unix(path: socket), metricsGroup: nil,
            answers: MetricsAnswers(
                daemon,
                SettingsReload(settings, from: SettingsSources(), LogThreshold(.error), daemon),
                showsPorts: true),
            logger: log.logger)
        let reported = try #require(
            try ServiceManager(
                socket: manager.path, watchdogMicroseconds: "40000", watchdogProcess: nil))
        let reporting = daemon
        let reports = Task { await ServiceReports(reported, logger: log.logger).run(reporting) }
        let run = Task { try await service.run() }
        #expect(await eventually { (try? SocketFile.probe(socket)) == .live })

        run.cancel()
        reports.cancel()
        try await run.value
        await reports.value
        #expect(log.lines.count { $0.contains("stuck") } == 1, "\(log.lines)")
        #expect(!manager.lines.contains("WATCHDOG=1"))
    }

    @Test("a port of such a thread does not stand still in time, and goes on")
    func freeze() async throws {
        let scratch = try Scratch()
        let stuck = try Stuck(scratch, KeptLog().logger)
        let port = stuck.port
        let answers = await port.worker.comesRound(within: .milliseconds(20), timers: port.loop)
        #expect(!answers)
        let error = await #expect(throws: PortError.self) { try await port.freeze() }
        #expect(error?.reason.contains("the packet thread has not answered") == true)
        port.thaw()
        #expect(port.traffic.isLinkUp == false && port.socketState() == .standing)
    }
}

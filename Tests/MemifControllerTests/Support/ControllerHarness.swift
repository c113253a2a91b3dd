import LinuxIO
import Logging
import MemifController

@testable import MemifController

/// A controller between fakes, running.
struct ControllerHarness {
    let source: FakeSource
    let backend: FakeBackend
    let scratch: Scratch
    let controller: Controller
    let layout: RuntimeLayout

    /// - Parameters:
    ///   - uri: which libvirt the source is said to be; nil where nobody says.
    ///   - logger: what is logged to; nothing is kept without one.
    init(
        _ source: FakeSource, _ scratch: Scratch, uri: String? = nil,
        logger: Logger = ControllerHarness.silent,
        _ change: (inout HostConfiguration) -> Void = { _ in }
    ) {
        self.source = source
        self.scratch = scratch
        backend = FakeBackend()
        var configuration = scratch.configuration
        change(&configuration)
        layout = RuntimeLayout(configuration)
        controller = Controller(
            Host(configuration, backend: backend, logger: logger), source: source, uri: uri)
    }

    static var silent: Logger {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        return logger
    }

    /// Runs a controller while the body does things to its surroundings.
    static func run(
        _ source: FakeSource = FakeSource(), in scratch: Scratch,
        _ change: (inout HostConfiguration) -> Void = { _ in },
        _ body: (ControllerHarness) async throws -> Void
    ) async throws {
        try await ControllerHarness(source, scratch, change).run(body)
    }

    /// Runs it while the body does things to its surroundings.
    func run(
        goingOnWith inheritance: Inheritance = Inheritance(),
        _ body: (ControllerHarness) async throws -> Void
    ) async throws {
        let harness = self
        let task = Task { try await harness.controller.run(inheritance) { nil } }
        do {
            try await body(harness)
        } catch {
            task.cancel()
            _ = await task.result
            throw error
        }
        task.cancel()
        try await task.value
    }

    func port(_ vm: VMIdentifier, _ name: String) -> FakePort? {
        backend.open[layout.socket(of: vm, port: name)]
    }

    func condition(_ vm: VMIdentifier, _ name: String) -> PortCondition? {
        controller.status().ports.first { $0.vm == vm && $0.name == name }?.condition
    }

    /// Whether exactly these sockets stand, by domain, with nothing beside them.
    func stands(_ expected: [VMIdentifier: Set<String>]) -> Bool {
        let directories = Set(
            ((try? Directory.entries(of: layout.domainsDirectory)) ?? []).compactMap {
                VMIdentifier($0)
            })
        let wanted = expected.filter { !$0.value.isEmpty }
        guard directories == Set(wanted.keys) else { return false }
        let records = (try? Directory.entries(of: layout.recordsDirectory)) ?? []
        guard Set(records) == Set(wanted.keys.map { "\($0).json" }) else { return false }
        return wanted.allSatisfy { vm, ports in
            let found = (try? Directory.entries(of: layout.directory(of: vm))) ?? []
            return Set(found) == Set(ports.map { "\($0).sock" })
                && ports.allSatisfy { port in
                    (try? SocketFile.probe(layout.socket(of: vm, port: port))) == .live
                }
        }
    }

    /// What there is, for a test that fails.
    var diagnosis: String {
        let directories = (try? Directory.entries(of: layout.domainsDirectory)) ?? []
        let files = directories.map { directory in
            let path = "\(layout.domainsDirectory)/\(directory)"
            return "\(directory): \((try? Directory.entries(of: path)) ?? [])"
        }
        let records = (try? Directory.entries(of: layout.recordsDirectory)) ?? []
        let ports = controller.status().ports.map { "\($0.path) \($0.condition)" }
        return "settled \(controller.isSettled), files \(files), records \(records), ports \(ports)"
    }
}

import Libvirt
import LibvirtProtocol
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

extension QEMUTests {
    /// QEMU's driver keeps its definitions on disk: libvirtd can be killed and started again.
    @Suite("Anything at all, in any order")
    struct ConvergenceTests {
        @Test(
            """
            hundreds of operations, libvirtd and virtwired killed in the midst of them: exactly the \
            wanted sockets, twenty seconds later at most
            """)
        func convergence() async throws {
            var random = SeededGenerator("hundreds of operations and kills")
            try await QEMULibvirtd.with { libvirtd in
                var host = UnruledHost(libvirtd)
                for round in 1...12 {
                    for _ in 0..<30 { try await host.step(&random) }
                    try await host.expectConverged("seed \(random.seed), round \(round)")
                }
                await host.end()
                print("\(host)")
                #expect(host.operations >= 300 && host.portsSeen > 0, "seed \(random.seed)")
            }
        }
    }
}

/// A libvirtd and a virtwired to which anything happens. Nobody remembers what: an operation in whose
/// midst a daemon dies may have been done or not, so what is wanted is what libvirt says in the end.
private struct UnruledHost: CustomStringConvertible {
    private let libvirtd: QEMULibvirtd
    private let layout: RuntimeLayout
    private var daemon: ChildProcess?
    private var owner: DomainOwner
    /// How many operations have been begun.
    private(set) var operations = 0
    /// How many ports were wanted, whenever that was asked.
    private(set) var portsSeen = 0
    private var libvirtdKills = 0
    private var daemonKills = 0

    /// As long as the sockets may take to be as they are wanted. It is less than a second but for
    /// machines that have other things to do.
    private static let patience = Duration.seconds(20)

    var description: String {
        "\(operations) operations, \(libvirtdKills) kills of libvirtd and \(daemonKills) of virtwired"
    }

    init(_ libvirtd: QEMULibvirtd) {
        self.libvirtd = libvirtd
        layout = RuntimeLayout(libvirtd.scratch.configuration)
        // A machine that starts costs a second, and one that is saved two.
        owner = DomainOwner(
            domainCount: 10, directory: libvirtd.scratch.path, startsLeft: 6, savesLeft: 3
        ) { EmptyMachine(vm: $0, prefix: $1, ports: $2).xml }
    }

    // MARK: What happens

    /// An operation on a domain; now and then a daemon dies in its midst, or is started again.
    mutating func step(_ random: inout SeededGenerator) async throws {
        let operation = owner.deed(on: libvirtd.connection, &random)
        operations += 1
        switch Int.random(in: 0..<60, using: &random) {
        case 0, 1:
            libvirtdKills += 1
            await perform(operation, &random) { libvirtd.kill() }
            try await libvirtd.start()
        case 2..<16 where daemon != nil:
            daemonKills += 1
            await perform(operation, &random) { daemon?.kill() }
            await daemon?.waitForEnd()
            daemon = nil
        case 16..<18:
            await perform(operation, &random) { daemon?.signal(15) }
            await daemon?.waitForEnd()
            daemon = nil
        default: _ = try? await operation()
        }
        // Some things happen while nobody looks.
        if daemon == nil, Bool.random(using: &random) { daemon = try await start() }
    }

    private func perform(
        _ operation: @escaping DomainOwner.Deed, _ random: inout SeededGenerator,
        then kill: () -> Void
    ) async {
        let pause = Duration.microseconds(Int.random(in: 0...20_000, using: &random))
        let task = Task { try? await operation() }
        // A random moment is the point; there is nothing to wait for.
        try? await Task.sleep(for: pause)
        kill()
        _ = await task.value
    }

    private func start() async throws -> ChildProcess {
        try await ChildProcess(
            ["env", "VIRTWIRED_ORPHAN_GRACE=200ms", DaemonProcess.program]
                + DaemonProcess.flags(libvirtd.scratch, uri: libvirtd.uri))
    }

    /// Ends the daemon as its service manager would.
    mutating func end() async {
        daemon?.signal(15)
        #expect(await daemon?.waitForEnd() == 0)
    }

    // MARK: What is to come of it

    mutating func expectConverged(_ when: String) async throws {
        if daemon == nil { daemon = try await start() }
        let wanted = try await WantedSockets(of: libvirtd.connection)
        portsSeen += wanted.count
        let isThere = await eventually(within: Self.patience) { wanted.stand(at: layout) }
        #expect(
            isThere,
            """
            \(when): wanted \(wanted), found \(wanted.found(at: layout)), \
            said \(daemon?.output.suffix(2000) ?? "")
            """)
    }
}

import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

/// These kills do not wait until the daemon is ready, and meanwhile anything happens that libvirt's test driver
/// can do: also what `ConvergenceTests` cannot have, such as snapshots.
@Suite("virtwired killed while it starts", .serialized, .timeLimit(.minutes(4)))
struct RandomKillTests {
    @Test("300 kills under a churn of domains, and exactly the wanted sockets after each 50")
    func kills() async throws {
        var random = SeededGenerator("300 kills under a churn of domains")
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        var owner = DomainOwner(domainCount: 4, directory: scratch.path) {
            PrivateLibvirtd.xml($2, $0, "\($1)-\($0.bytes.last ?? 0)")
        }
        var portsSeen = 0
        for round in 1...6 {
            for _ in 0..<50 {
                let process = try await ChildProcess(
                    Self.program + DaemonProcess.flags(scratch))
                for _ in 0..<Int.random(in: 2...6, using: &random) {
                    // A random moment is the point; there is nothing to wait for.
                    let pause = Duration.milliseconds(Int.random(in: 0...20, using: &random))
                    try await Task.sleep(for: pause)
                    try? await owner.deed(on: libvirtd.connection, &random)()
                }
                process.kill()
                await process.waitForEnd()
            }
            let daemon = try await DaemonProcess(in: scratch, under: Self.wrapper)
            let wanted = try await WantedSockets(of: libvirtd.connection)
            portsSeen += wanted.count
            let isThere = await eventually { wanted.stand(at: daemon.layout) }
            #expect(
                isThere,
                """
                seed \(random.seed), round \(round): wanted \(wanted), \
                found \(wanted.found(at: daemon.layout)), said \(daemon.process.output.suffix(2000))
                """)
            daemon.process.signal(15)
            #expect(await daemon.process.waitForEnd() == 0)
        }
        #expect(portsSeen > 0, "seed \(random.seed)")
    }

    /// What is gone goes soon.
    private static let wrapper = ["env", "VIRTWIRED_ORPHAN_GRACE=200ms"]
    private static var program: [String] { wrapper + [DaemonProcess.program] }
}

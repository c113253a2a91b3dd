import Libvirt
import LibvirtProtocol
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

/// These kills do not wait until the daemon is ready, and what happens meanwhile includes redefining a domain
/// that runs.
@Suite("virtwired killed while it starts", .serialized, .timeLimit(.minutes(4)))
struct RandomKillTests {
    /// What a domain is, as its owner made it.
    private struct Owned {
        var domain: Domain
        /// The ports of the definition; nil without one.
        var defined: Set<String>?
        /// The ports of the run; nil while it does not run.
        var live: Set<String>?

        var wanted: Set<String> { live ?? defined ?? [] }
    }

    @Test("150 kills under a churn of domains, and then exactly the wanted sockets")
    func kills() async throws {
        var random = SeededGenerator("150 kills under a churn of domains")
        let seed = random.seed
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        var owned: [VMIdentifier: Owned] = [:]
        for _ in 0..<150 {
            let arguments = [DaemonProcess.program] + DaemonProcess.flags(libvirtd.scratch)
            let process = try await ChildProcess(arguments)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                // A random moment is the point; there is nothing to wait for.
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...40, using: &random)))
                let vm = Sample.vm(UInt8.random(in: 1...4, using: &random))
                owned[vm] = try await Self.step(owned[vm], vm, libvirtd, &random)
            }
            process.kill()
            await process.waitForEnd()
        }
        let daemon = try await DaemonProcess(in: libvirtd.scratch)
        let layout = daemon.layout
        for number in 1...4 {
            let vm = Sample.vm(UInt8(number))
            let wanted = owned[vm]?.wanted ?? []
            #expect(
                await eventually { daemon.stands(wanted, vm: vm) },
                "seed \(seed), \(vm): wanted \(wanted.sorted())")
        }
        let having = owned.filter { !$0.value.wanted.isEmpty }.keys.sorted()
        #expect(
            await eventually {
                (try? Directory.entries(of: layout.domainsDirectory)) == having.map(\.description)
                    && (try? Directory.entries(of: layout.recordsDirectory))
                        == having.map { "\($0).json" }
            }, "seed \(seed)")
        daemon.process.signal(15)
        #expect(await daemon.process.waitForEnd() == 0)
    }

    /// One thing that an owner may do to a domain, and what comes of it.
    private static func step(
        _ before: Owned?, _ vm: VMIdentifier, _ libvirtd: PrivateLibvirtd,
        _ random: inout SeededGenerator
    ) async throws -> Owned? {
        let ports = Set(["a", "b", "c"].filter { _ in Bool.random(using: &random) })
        let text = { (prefix: String) in
            ports.sorted().map { "<\(prefix)port name='\($0)'/>" }.joined()
        }
        guard var owned = before else {
            return Owned(domain: try await libvirtd.define(text("memif:"), vm: vm), defined: ports)
        }
        switch (Int.random(in: 0..<4, using: &random), owned.live) {
        case (0, nil):
            _ = try await owned.domain.create()
            owned.live = owned.defined
        case (0, _):
            _ = try await owned.domain.destroy()
            owned.live = nil
            if owned.defined == nil { return nil }
        case (1, nil):
            try await owned.domain.undefine()
            return nil
        case (1, _), (2, .some):
            try await libvirtd.set(text(""), of: owned.domain, .live)
            owned.live = ports
        case (2, nil):
            try await libvirtd.set(text(""), of: owned.domain, .config)
            owned.defined = ports
        default:
            owned.domain = try await libvirtd.define(text("memif:"), vm: vm)
            owned.defined = ports
        }
        return owned
    }
}

import Foundation
import Libvirt
import LibvirtProtocol
import LinuxIO
import MemifTesting
import Testing

@testable import MemifController

/// What the 300 random kills come upon with some luck, one after the other: before and after a record is written and
/// put in place, a directory made, a socket bound, given its mode and owner, listening and in place, and each of
/// them removed.
@Suite("virtwired killed at each step", .serialized, .timeLimit(.minutes(4)))
struct KillAtStepTests {
    @Test("wherever it is killed, the next one has exactly the wanted sockets, and no more is left")
    func eachStep() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let library = try await Self.compile(in: scratch)
        var step = 1
        while try await isKilled(at: step, with: library, libvirtd), step < 200 {
            let next = try await DaemonProcess(in: scratch, under: Self.wrapper)
            try await expectWanted("killed at step \(step)", libvirtd, next)
            let domains = try await libvirtd.connection.listAllDomains()
            for domain in domains where domain.uuid.bytes == Sample.vm(1).bytes {
                try await domain.undefine()
            }
            try await expectWanted("undefined after step \(step)", libvirtd, next)
            next.process.signal(15)
            #expect(await next.process.waitForEnd() == 0)
            step += 1
        }
        // As many as there are at least to two ports that come and go.
        #expect((20..<200).contains(step), "\(step) steps")
    }

    /// What is gone goes at once.
    private static let wrapper = ["env", "VIRTWIRED_ORPHAN_GRACE=0s"]

    private func expectWanted(
        _ when: String, _ libvirtd: PrivateLibvirtd, _ daemon: DaemonProcess
    ) async throws {
        let wanted = try await WantedSockets(of: libvirtd.connection)
        #expect(
            await eventually { wanted.stand(at: daemon.layout) },
            """
            \(when): wanted \(wanted), found \(wanted.found(at: daemon.layout)), \
            said \(daemon.process.output.suffix(2000))
            """)
    }

    /// Has two ports come, one of them go, and then the other, as far as the daemon lives to see it.
    private func isKilled(
        at step: Int, with library: String, _ libvirtd: PrivateLibvirtd
    ) async throws -> Bool {
        let scratch = libvirtd.scratch
        let layout = RuntimeLayout(scratch.configuration)
        // Beside what is there already, such as what the thread sanitizer needs to see locks.
        let there = ProcessInfo.processInfo.environment["LD_PRELOAD"].map { ":\($0)" } ?? ""
        let daemon = try await ChildProcess(
            Self.wrapper + [
                "LD_PRELOAD=\(library)\(there)", "KILL_AT_STEP=\(step)", DaemonProcess.program,
            ]
                + DaemonProcess.flags(scratch))
        for ports in [
            "<memif:port name='a'/><memif:port name='b'/>", "<memif:port name='b'/>", nil,
        ] {
            let domain = try await libvirtd.define(ports ?? "")
            if ports == nil { try await domain.undefine() }
            let wanted = try await WantedSockets(of: libvirtd.connection)
            let isOver = await eventually { daemon.status != nil || wanted.stand(at: layout) }
            try #require(isOver, "step \(step): \(daemon.output)")
            if daemon.status != nil { break }
        }
        daemon.signal(15)
        let status = try #require(await daemon.waitForEnd())
        // Its end has steps too, where it has come so far.
        try #require(status == 0 || status & 0x7F == 9, "step \(step): \(daemon.output)")
        return status != 0
    }

    /// What kills, for the dynamic linker.
    private static func compile(in scratch: Scratch) async throws -> String {
        let source = URL(fileURLWithPath: #filePath).appendingPathComponent(
            "../../Fixtures/kill-at-step.c"
        ).standardized.path
        let library = "\(scratch.path)/kill-at-step.so"
        let ended = try await DaemonProcess.run(
            ["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"])
        try #require(ended.status == 0, "\(ended.output)")
        return library
    }
}

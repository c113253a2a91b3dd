import Glibc
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Descriptors of a file of FUSE whose server answers nothing: each look at it waits, and so does each close.
///
/// Until it is sprung, nothing that waits for it comes back: whatever goes on has not asked. Each in a process
/// of its own, which starts no other.
@Suite("Files whose server answers nothing", .timeLimit(.minutes(4)))
struct StalledFileTests {
    @Test("as a slave's, hold up nobody, in whatever message they come")
    func slaves() async {
        await #expect(processExitsWith: .success) {
            try await Self.attack(.master) { scene, trap in
                // What is left in a socket is let go of by the kernel, which asks the server nothing.
                for attack in SlaveTrap.allCases where attack != .unread {
                    let slave = try RawSlave(to: scene.address())
                    try await attack.prepare(slave)
                    try attack.play(slave, trap)
                    if attack.isAnswered {
                        let reason = try await slave.peer.receiveDisconnect()
                        try #require(reason?.code == attack.code, "\(attack): \(reason as Any)")
                        try #require(
                            reason?.text.contains("F_SEAL_SHRINK") == (attack == .asRegion))
                    }
                    try await scene.isFree()
                }
            }
        }
    }

    @Test("as a master's, hold up nobody either")
    func masters() async {
        await #expect(processExitsWith: .success) {
            try await Self.attack(.slave) { scene, trap in
                for stage in RawMaster.Stage.allCases {
                    let guest = try RawMaster.Guest(try await unwrap(scene.hostile).accept())
                    try await guest.lead(to: stage)
                    let message =
                        stage == .accepted ? .hello(.init(name: "odd")) : ControlMessage.acknowledge
                    try guest.peer.send(message, descriptors: [trap])
                    let reason = try await guest.peer.receiveDisconnect()
                    try #require(reason?.code == .protocolViolation, "\(stage)")
                    try await scene.isFree()
                }
            }
        }
    }

    /// Attacks a victim in a role, beside which frames go to and fro on another link of its loop and its worker.
    private static func attack(
        _ role: MemifRole, _ attack: (AttackScene, Int32) async throws -> Void
    ) async throws {
        let trap = try StalledFile()
        let scene = try await AttackScene(role)
        let disposal = try Disposal(of: getuid(), on: scene.loop)
        async let traffic = scene.neighbour.run()
        do {
            try await attack(scene, trap.rawValue)
            try await eventually("it is being closed") { disposal.pending > 0 }
        } catch {
            Issue.record("\(error)")
        }
        scene.neighbour.stop()
        let result = try await traffic
        #expect(result.sent > 0)
        #expect(result.received == result.sent)
        // Nobody who had to wait for the server can have gone on yet.
        #expect(disposal.pending > 0)
        trap.spring()
        try await eventually("all is closed") { disposal.pending == 0 }
        scene.end()
    }
}

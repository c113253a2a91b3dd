import Foundation
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Every attack of the kit, one after the other, on one victim that goes on living, in a process of its
/// own. Each ends as it should and is told why; afterwards the process holds what it held before, takes
/// no time, and the neighbour has lost no frame.
@Suite("All attacks", .timeLimit(.minutes(3)))
struct SweepTests {
    @Test("of a slave over the control channel")
    func slaves() async {
        await #expect(processExitsWith: .success) {
            try await Sweep.run(on: .master) { scene in
                for attack in SlaveAttack.all { try await Sweep.play(attack, in: scene) }
            }
        }
    }

    @Test("of a master over the control channel")
    func masters() async {
        await #expect(processExitsWith: .success) {
            try await Sweep.run(on: .slave) { scene in
                for attack in MasterAttack.all { try await Sweep.play(attack, in: scene) }
            }
        }
    }

    @Test("of a slave through the rings")
    func slavesAtWork() async {
        await #expect(processExitsWith: .success) {
            try await Sweep.run(on: .master) { scene in
                for attack in RingAttack.all(on: .master) {
                    try await Sweep.play(attack, in: scene)
                }
            }
        }
    }

    @Test("of a master through the rings")
    func mastersAtWork() async {
        await #expect(processExitsWith: .success) {
            try await Sweep.run(on: .slave) { scene in
                for attack in RingAttack.all(on: .slave) {
                    try await Sweep.play(attack, in: scene)
                }
            }
        }
    }
}

/// What all sweeps have in common.
private enum Sweep {
    static func run(
        on role: MemifRole, _ attack: (AttackScene) async throws -> Void
    ) async throws {
        let scene = try await AttackScene(role)
        async let traffic = scene.neighbour.run()
        do {
            // What the first attack of each kind leaves in caches of the runtime's is not counted.
            try await attack(scene)
            let before = try await ProcessResources.settled()
            scene.isMeasured.raise()
            try await attack(scene)
            let after = try await ProcessResources.settled(like: before)
            if after != before { throw AttackFailure("\(before) became \(after)") }
        } catch {
            Issue.record("\(error)")
        }
        scene.neighbour.stop()
        let result = try await traffic
        #expect(result.sent > 100)
        #expect(result.received == result.sent)
        scene.end()
    }

    static func play(_ attack: SlaveAttack, in scene: AttackScene) async throws {
        let slave = try await attack.play(on: scene.address())
        // Nobody has read an answer yet, or let go of anything: others have their turn all the same.
        await scene.loop.turns(2)
        switch attack.answer {
        case .refusal(let code):
            let reason = try await slave.peer.receiveDisconnect()
            try check(reason, code, attack.text, "\(attack)")
        case .link: _ = try await scene.victim.waitForLink(within: .seconds(30))
        case .nobody: break
        }
        try await scene.isFree()
        try await Idleness.check("\(attack)", scene)
    }

    static func play(_ attack: MasterAttack, in scene: AttackScene) async throws {
        let peer = try await attack.play(on: try unwrap(scene.hostile))
        await scene.loop.turns(2)
        switch attack.answer {
        case .refusal(let code):
            let reason = try await peer.receiveDisconnect()
            try check(reason, code, attack.text, "\(attack)")
        case .link:
            try await eventually("\(attack) gets its link") { scene.victim.link != nil }
            peer.hangUp()
        case .nobody: break
        }
        try await scene.isFree()
        try await Idleness.check("\(attack)", scene)
    }

    static func play(_ attack: RingAttack, in scene: AttackScene) async throws {
        let end = try await scene.hostileEnd()
        do {
            try await attack.play(end)
        } catch {
            throw AttackFailure("\(attack): \(error)")
        }
        await scene.loop.turns(2)
        await scene.worker.turns(2)
        switch attack.answer {
        case .refusal(let text):
            let reason = try await end.peer.receiveDisconnect()
            try check(reason, .protocolViolation, text, "\(attack)")
            try await scene.isFree()
        case .link:
            if let end = scene.victim.link?.end ?? scene.victim.lastEnd, scene.victim.link == nil {
                throw AttackFailure("\(attack) ended the link: \(end)")
            }
        case .either: break
        }
        try await Idleness.check("\(attack)", scene)
        end.peer.hangUp()
        try await scene.isFree()
        try await Idleness.check("\(attack), and its end,", scene)
    }

    private static func check(
        _ reason: DisconnectReason?, _ code: DisconnectReason.Code, _ text: String, _ attack: String
    ) throws {
        guard let reason else { throw AttackFailure("\(attack) was told nothing") }
        guard reason.code == code, text.isEmpty || reason.text.contains(text) else {
            throw AttackFailure("\(attack) was told \(reason)")
        }
    }
}

struct AttackFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Whether nobody works that should not.
enum Idleness {
    /// The time on the processors of the threads under attack, in seconds.
    private static func time() throws -> Double {
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")
        return try tasks.reduce(0) { sum, task in
            let folder = "/proc/self/task/" + task
            // Others come and go.
            let name = try? String(contentsOfFile: folder + "/comm", encoding: .utf8)
            guard ["memif\n", "memif-worker\n"].contains(name) else { return sum }
            let times = try String(contentsOfFile: folder + "/schedstat", encoding: .utf8)
            return sum + (times.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
        }
    }

    /// Looks on, a while at a time, until they rest: a loop that spins would take all of each.
    static func check(_ what: String, _ scene: AttackScene) async throws {
        guard scene.isMeasured.isRaised else { return }
        let clock = ContinuousClock()
        scene.neighbour.rest(true)
        defer { scene.neighbour.rest(false) }
        // What is under way comes to its end, and the worker goes to sleep.
        try await clock.sleep(until: clock.now + .milliseconds(3), tolerance: nil)
        let deadline = clock.now + .seconds(20)
        while true {
            let (start, before) = (clock.now, try time())
            try await clock.sleep(until: start + .milliseconds(10), tolerance: nil)
            let share = (try time() - before) / (clock.now - start).seconds
            if share < 0.3 { return }
            guard clock.now < deadline else {
                throw AttackFailure("\(what) leaves our threads at \(share) of a processor")
            }
        }
    }
}

extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}

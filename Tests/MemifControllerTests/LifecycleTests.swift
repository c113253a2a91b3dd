import Foundation
import LinuxIO
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("The controller and how domains run, between fakes")
struct LifecycleTests {
    private let one = Sample.vm(1)

    @Test("while a domain stands still its ports drop what comes, and say so")
    func standstill() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a' linger='60s'/>")
            it.source.turn(one, .starting)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            let port = try #require(it.port(one, "a"))
            let phases: [(DomainPhase, String)] = [
                (.starting, "being started"), (.running, ""), (.paused, "paused"),
                (.moving, "being migrated"), (.running, ""), (.crashed, "crashed"),
                (.ending, "shutting down"),
            ]
            for (phase, words) in phases {
                it.source.turn(one, phase)
                #expect(
                    await eventually {
                        guard let reason = it.condition(one, "a")?.reason else { return false }
                        return port.isPaused == phase.standsStill
                            && (words.isEmpty ? reason.isEmpty : reason.contains(words))
                    }, "\(phase)")
                #expect(port.admission == .open)
                let expected: PortCondition.State = phase == .crashed ? .degraded : .ready
                #expect(it.condition(one, "a")?.state == expected)
            }
        }
    }

    @Test("the end of a standstill is found though nothing tells of it")
    func silentEnd() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a'/>")
            it.source.start(one)
            it.source.turn(one, .moving)
            #expect(await eventually { it.port(one, "a")?.isPaused == true })
            it.source.turn(one, .running, silently: true)
            #expect(await eventually { it.port(one, "a")?.isPaused == false })
        }
    }

    @Test("a domain that has gone to another host leaves nothing for its peers to wait for")
    func migratedAway() async throws {
        try await ControllerHarness.run(in: Scratch(), { $0.orphanGrace = .seconds(60) }) { it in
            let ports =
                "<memif:port name='a' linger='60s'/><memif:port name='b' link='always'/>"
            it.source.define(one, ports)
            it.source.start(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one, .migrated)
            #expect(
                await eventually {
                    it.port(one, "a")?.admission == .closed(reason: "domain migrated")
                })
            #expect(it.port(one, "b")?.admission == .open)
            #expect(await eventually { it.condition(one, "a")?.reason == "domain migrated" })

            // It comes back, loses its definition, and goes again: with its sockets.
            it.source.turn(one, .moving)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.turn(one, .running)
            #expect(await eventually { it.port(one, "a")?.isPaused == false })
            it.source.undefine(one)
            let port = try #require(it.port(one, "a"))
            it.source.stop(one, .migrated)
            #expect(await eventually { it.stands([:]) })
            #expect(port.closedWith == "domain migrated")
        }
    }

    @Test("a domain that never arrives has no linger; one that ran here before has what was left")
    func neverArrived() async throws {
        try await ControllerHarness.run(in: Scratch()) { it in
            it.source.define(one, "<memif:port name='a' linger='60s'/>")
            it.source.turn(one, .moving)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one, .failed)
            let shutOff = Admission.closed(reason: "domain shut off")
            #expect(await eventually { it.port(one, "a")?.admission == shutOff })

            it.source.start(one)
            #expect(await eventually { it.port(one, "a")?.admission == .open })
            it.source.stop(one)
            it.source.turn(one, .starting)
            #expect(await eventually { it.port(one, "a")?.isPaused == true })
            it.source.stop(one, .failed)
            #expect(await eventually { it.port(one, "a")?.isPaused == false })
            #expect(it.port(one, "a")?.admission == .open)
        }
    }

    @Test("a crash has a line in the audit log, whoever tells of it; an ordinary end has none")
    func crashes() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/audit.log"
        let lines = {
            let text = (try? File.read(path, limit: 1 << 16)) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
                .filter { $0.contains(#""event":"domain-"#) }
        }
        try await ControlHarness.run(in: scratch, { $0.auditLog = path }) { it in
            it.source.define(one, "<memif:port name='a' linger='0'/>")
            for end in [RunEnd.ordinary, .crashed, .migrated, .failed] {
                it.source.start(one)
                #expect(try await it.waits(for: "Ready", of: "a"))
                it.source.stop(one, end)
                #expect(try await it.waits(for: "Waiting", of: "a"))
            }
            #expect(await eventually { lines().count == 2 })
            it.source.start(one)
            it.source.tell(.crashed, of: one)
            #expect(await eventually { lines().count == 3 })
            // Nobody knows of a domain without ports.
            it.source.tell(.crashed, of: Sample.vm(2))
            it.source.tell(.crashed, of: one)
            #expect(await eventually { lines().count == 4 })
            let entries = try lines().map {
                try JSONDecoder().decode(AuditLine.self, from: Data($0.utf8))
            }
            #expect(
                entries.map(\.event)
                    == ["domain-ended", "domain-ended", "domain-crashed", "domain-crashed"])
            #expect(entries.allSatisfy { $0.vm == "\(one)" && $0.uid == nil })
        }
    }

    @Test("a crash has one line, whatever the domain does after it, and though its event is lost")
    func oneCrash() async throws {
        let scratch = try Scratch()
        let path = "\(scratch.path)/audit.log"
        let events = {
            let text = (try? File.read(path, limit: 1 << 16)) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: "\n")
                .compactMap { try? JSONDecoder().decode(AuditLine.self, from: Data($0.utf8)) }
                .map(\.event).filter { $0.hasPrefix("domain-") }
        }
        try await ControlHarness.run(in: scratch, { $0.auditLog = path }) { it in
            it.source.define(one, "<memif:port name='a' linger='0'/>")
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            // Destroyed by it.
            it.source.turn(one, .crashed, silently: true)
            it.source.tell(.crashed, of: one)
            #expect(try await it.waits(for: "Degraded", of: "a"))
            it.source.stop(one, .crashed)
            #expect(try await it.waits(for: "Waiting", of: "a"))
            // Preserved, and its event lost.
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            it.source.turn(one, .crashed, silently: true)
            it.source.lose()
            #expect(try await it.waits(for: "Degraded", of: "a"))
            #expect(await eventually { events().count == 2 })
            it.source.stop(one)
            #expect(try await it.waits(for: "Waiting", of: "a"))
            // Killed in the next run.
            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            it.source.stop(one, .failed)
            try #require(await eventually { events().count == 3 })
            #expect(events() == ["domain-crashed", "domain-crashed", "domain-ended"])
        }
    }

    private struct AuditLine: Decodable {
        var event: String
        var vm: String
        var uid: UInt32?
    }
}

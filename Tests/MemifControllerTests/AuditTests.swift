import Foundation
import LibvirtRPC
import LinuxIO
import Logging
import Memif
import Synchronization
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("The audit log", .timeLimit(.minutes(4)))
struct AuditTests {
    private let one = Sample.vm(1)

    /// The lines of a file, each as its fields.
    private static func lines(_ path: String) throws -> [[String: Any]] {
        let text = String(decoding: try File.read(path, limit: 1 << 20), as: UTF8.self)
        return try text.split(separator: "\n").map { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require(object as? [String: Any])
        }
    }

    /// The first line of a kind of event.
    private static func event(_ kind: String, in path: String) throws -> [String: Any]? {
        try lines(path).first { $0["event"] as? String == kind }
    }

    @Test("what comes to pass without a call has a line: ports, refusals by policy, crashes")
    func events() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.log"
        let change: (inout HostConfiguration) -> Void = { host in
            host.auditLog = path
            host.policy.fallback.queues = 2
        }
        try await ControlHarness.run(in: scratch, change) { it in
            it.source.define(
                one, "<memif:port name='a' linger='0'/><memif:port name='b' queues='3'/>")
            #expect(try await it.waits(for: "Failed", of: "b"))
            let opened = try #require(try Self.event("port-opened", in: path))
            #expect(opened["vm"] as? String == one.description)
            #expect(opened["domain"] as? String == "vm-1" && opened["port"] as? String == "a")
            let refused = try #require(try Self.event("policy-refused", in: path))
            #expect(refused["port"] as? String == "b")
            #expect((refused["reason"] as? String)?.contains("rule 'default' allows 2") == true)

            it.source.start(one)
            #expect(try await it.waits(for: "Ready", of: "a"))
            it.source.tell(.crashed, of: one)
            #expect(await eventually { (try? Self.event("domain-crashed", in: path)) != nil })
            let crashed = try #require(try Self.event("domain-crashed", in: path))
            #expect(crashed["vm"] as? String == one.description)

            it.source.tell(.rebooted, of: one)
            #expect(await eventually { (try? Self.event("domain-rebooted", in: path)) != nil })

            it.source.stop(one)
            it.source.undefine(one)
            #expect(await eventually { (try? Self.event("port-closed", in: path)) != nil })
            // What stays as it is has one line, however often it is looked at.
            let all = try Self.lines(path).compactMap { $0["event"] as? String }
            #expect(all.count { $0 == "policy-refused" } == 1)
            #expect(try Self.lines(path).allSatisfy { $0["time"] is String })
        }
    }

    @Test(
        "a call over the read-only socket that would change something has its line, with who it was"
    )
    func readOnly() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.log"
        try await ControlHarness.run(in: scratch, { $0.auditLog = path }) { it in
            let link = try ControlHarness.connect(it.layout.readOnlyControlSocket)
            await #expect(throws: RPCError.self) {
                _ = try await link.call(Virtwire.DRAIN, virtwire_drain_args(drains: true))
            }
            let line = try #require(try Self.lines(path).first)
            #expect(line["procedure"] as? String == "DRAIN")
            #expect(line["outcome"] as? String == "refused")
            #expect((line["reason"] as? String)?.contains("read-only") == true)
            #expect(line["uid"] as? Int == Int(Accounts.currentUser))
            #expect(line["gid"] as? Int == Int(Accounts.currentGroup))
            #expect(line["pid"] as? Int == Int(ProcessInfo.processInfo.processIdentifier))
            let name = try #require(ProcessName.of(ProcessInfo.processInfo.processIdentifier))
            #expect(line["comm"] as? String == name)
            let program = try FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/self/exe")
            #expect(line["exe"] as? String == program)
        }
    }

    @Test("of a process that has gone nobody knows the program")
    func unknownProgram() {
        #expect(ProcessName.executable(of: 0) == "unknown")
        #expect(ProcessName.executable(of: Int32.max) == "unknown")
    }

    @Test("refusals that come by the thousand do not fill the disk, and are counted")
    func budget() {
        var budget = RefusalBudget()
        let start = ContinuousClock.now
        for _ in 0..<RefusalBudget.most { #expect(budget.spend(now: start) == 0) }
        for _ in 0..<1000 { #expect(budget.spend(now: start + .seconds(59)) == nil) }
        #expect(budget.spend(now: start + .seconds(60)) == 1000)
        #expect(budget.spend(now: start + .seconds(60)) == 0)
    }

    @Test("a peer that comes and goes without end has few lines, in order; others keep theirs")
    func restlessPeer() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.log"
        defer { withExtendedLifetime(scratch) {} }
        let log = try AuditLog(path, logger: Logger(label: "test"))
        let start = ContinuousClock.now
        func tell(_ port: String, _ kind: AuditEvent.Kind, after seconds: Int = 0) {
            log.noteLater(
                AuditEvent(kind, one, "vm-1", port: port), now: start + .seconds(seconds))
        }
        for _ in 0..<500 {
            tell("a", .peerConnected)
            tell("a", .peerDisconnected)
        }
        for number in 0..<100 { tell("b\(number)", .peerConnected) }
        tell("a", .peerRefused)
        tell("a", .peerConnected, after: 60)
        let expected = RefusalBudget.most + 102
        try #require(await eventually { (try? Self.lines(path).count) == expected })

        let lines = try Self.lines(path)
        let pair = ["peer-connected", "peer-disconnected"]
        let first = lines.prefix(RefusalBudget.most)
        #expect(first.allSatisfy { $0["port"] as? String == "a" })
        #expect(first.indices.allSatisfy { lines[$0]["event"] as? String == pair[$0 % 2] })
        let others = lines.dropFirst(RefusalBudget.most).prefix(100)
        #expect(others.map { $0["port"] as? String } == (0..<100).map { "b\($0)" })
        #expect(lines[expected - 2]["event"] as? String == "peer-refused")
        #expect(lines.last?["unwritten"] as? Int == 1000 - RefusalBudget.most)
        let times = lines.compactMap { $0["time"] as? String }
        #expect(times.count == expected && times == times.sorted())
    }

    @Test("what a slow disk has no time for is dropped, and counted in the next line")
    func backlog() {
        let most = LineBacklog<AuditEvent>.most
        var backlog = LineBacklog<AuditEvent>()
        let added = (0..<most).map { _ in backlog.add(AuditEvent(.peerConnected)) }
        #expect(added.first == true && !added.dropFirst().contains(true))
        var late = AuditEvent(.peerConnected)
        late.unwritten = 4
        for _ in 0..<3 {
            let isFirst = backlog.add(late)
            #expect(!isFirst)
        }
        let oldest = backlog.next()
        #expect(oldest != nil && oldest?.unwritten == nil)
        // Whoever writes is still at it.
        let isFirst = backlog.add(AuditEvent(.domainCrashed))
        #expect(!isFirst)
        var last: AuditEvent?
        var count = 0
        while let event = backlog.next() { (last, count) = (event, count + 1) }
        #expect(count == most)
        #expect(last?.kind == .domainCrashed && last?.unwritten == 15)
        let starts = backlog.add(AuditEvent(.peerConnected))
        #expect(starts)
    }

    @Test("an orderly end has every line, and does not wait for a disk that does not answer")
    func end() async throws {
        let scratch = try Scratch()
        let path = scratch.path + "/audit.log"
        try await ControlHarness.run(in: scratch, { $0.auditLog = path }) { it in
            it.source.define(one, "<memif:port name='a'/>")
            let isWaiting = try await it.waits(for: "Waiting", of: "a")
            #expect(isWaiting)
            for number in 0..<500 {
                it.backend.tell(
                    PeerNotice(
                        vm: one, domainName: "vm-1", port: "p\(number)", event: .connected,
                        peer: nil))
            }
        }
        let events = try Self.lines(path).compactMap { $0["event"] as? String }
        #expect(events.count { $0 == "peer-connected" } == 500)
        let closed = try #require(try Self.event("port-closed", in: path))
        #expect(closed["port"] as? String == "a")
        #expect(closed["reason"] as? String == "daemon stopping")

        let log = try AuditLog(
            path, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let isWritten = await log.flush(until: .now + .seconds(60))
        #expect(isWritten)
        // One that nobody writes.
        _ = log.backlog.withLock { $0.add(AuditEvent(.peerConnected)) }
        let isLost = await !log.flush(until: .now + .milliseconds(1))
        #expect(isLost)
    }

    @Test("where there is no file nothing is made to be written")
    func noFile() {
        func make() -> AuditEvent {
            Issue.record("an event was made")
            return AuditEvent(.peerConnected)
        }
        AuditLog(logger: Logger(label: "test")).noteLater(make())
    }

    @Test("a process that is gone has no name")
    func names() {
        #expect(ProcessName.of(0) == nil)
        #expect(ProcessName.of(Int32.max) == nil)
    }

    @Test("peers, settings and a take-over have their lines, in the file of both processes")
    func processes() async throws {
        let libvirtd = try await PrivateLibvirtd(in: Scratch())
        let scratch = libvirtd.scratch
        let audit = "\(scratch.path)/audit.log"
        let file = "\(scratch.path)/d.yaml"
        try File.replace(file, with: Array("audit-log: \(audit)".utf8))
        let daemon = try await DaemonProcess(in: scratch, ["--config", file])
        _ = try await libvirtd.define("<memif:port name='a' link='always'/>")
        #expect(await eventually { daemon.stands(["a"]) })
        let slave = try RealDaemon.slave(daemon.layout.socket(of: one, port: "a"))
        #expect(await eventually { slave.link != nil })
        #expect(await eventually { (try? Self.event("peer-connected", in: audit)) != nil })
        let peer = try #require(try Self.event("peer-connected", in: audit))
        #expect(peer["pid"] as? Int == Int(ProcessInfo.processInfo.processIdentifier))
        #expect(peer["uid"] as? Int == Int(Accounts.currentUser) && peer["comm"] is String)

        try File.replace(file, with: Array("audit-log: \(audit)\ngrup: x".utf8))
        daemon.process.signal(1)
        #expect(await eventually { (try? Self.event("settings-refused", in: audit)) != nil })
        let refused = try Self.event("settings-refused", in: audit)
        #expect((refused?["reason"] as? String)?.contains("grup is no setting") == true)
        try File.replace(file, with: Array("audit-log: \(audit)".utf8))
        daemon.process.signal(1)
        #expect(await eventually { (try? Self.event("settings-read", in: audit)) != nil })

        let next = try await DaemonProcess(in: scratch, ["--config", file, "--take-over"])
        #expect(await daemon.process.waitForEnd() == 0)
        for kind in ["handed-over", "took-over"] {
            #expect(await eventually { (try? Self.event(kind, in: audit)) != nil })
            #expect(try Self.event(kind, in: audit)?["ports"] as? Int == 1)
        }
        slave.remove()
        #expect(await eventually { (try? Self.event("peer-disconnected", in: audit)) != nil })
        // What goes on in another process has neither been opened nor come anew.
        let all = try Self.lines(audit).compactMap { $0["event"] as? String }
        #expect(all.count { $0 == "port-opened" } == 1)
        #expect(all.count { $0 == "peer-connected" } == 1)
        next.process.signal(15)
        #expect(await next.process.waitForEnd() == 0)
    }
}

import Foundation
import LinuxIO
import Memif
import Synchronization
import Testing

@Suite("Being told")
struct NotificationTests {
    @Test("who is told of a link finds it up, and can use it there and then")
    func upWhenTold() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        let master = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            handshakeTimeout: .seconds(120))
        let seen = Mutex<[String]>([])
        for interface in [master, slave] {
            interface.onEvent { [weak interface] event in
                guard case .up(let link) = event else { return }
                let isThere = link.isUp && interface?.link === link && link.end == nil
                var sent = 0
                if var sender = link.takeTransmitQueue(0) {
                    _ = link.takeReceiveQueue(0)
                    var batch = FrameBatch()
                    batch.append([1])
                    sent = (try? sender.transmitBurst(batch)) ?? -1
                }
                seen.withLock { $0.append("\(link.role.rawValue) \(isThere) \(sent >= 0)") }
            }
        }
        try await eventually("both were told") { seen.withLock(\.count) == 2 }
        #expect(seen.withLock { Set($0) } == ["master true true", "slave true true"])
        slave.remove()
        socket.close()
    }

    @Test("who does not read what they are told holds up nobody")
    func unread() async throws {
        let pair = try await LinkPair { $0.ringSize = 8 }
        // 256 are kept; nobody takes any.
        let (ignored, unheard) = (pair.masterInterface.events(), pair.slaveInterface.events())
        var link = pair.master
        for round in 0..<150 {
            link.disconnect(DisconnectReason(.administrative, "round \(round)"))
            let old = link
            try await eventually("there is another link") {
                guard let next = pair.masterInterface.link, next !== old else { return false }
                return true
            }
            link = try unwrap(pair.masterInterface.link)
        }
        var newest: LinkEvent?
        pair.masterInterface.remove()
        // The newest are there, in order, down to the last.
        for await event in ignored {
            newest = event
            if case .down(let end) = event, end.reason.code == .removed { break }
        }
        if case .down = newest {} else { Issue.record("the last event was \(newest as Any)") }
        withExtendedLifetime(unheard) {}
    }

    @Test("stopped twice is stopped once, and another takes its place")
    func stopping() async throws {
        let directory = try TemporaryDirectory()
        for round in 0..<3 {
            let name = "memif-twice-\(round)"
            let loop = try EventLoop.start(name: name)
            let worker = try PacketWorker.start()
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            let master = try socket.add(InterfaceConfiguration())
            let slave = try socket.connect(
                InterfaceConfiguration(), handshakeTimeout: .seconds(120))
            let link = try await master.waitForLink(within: .seconds(30))
            worker.attach(link, PacketEcho())
            // Woken often, it sleeps when there is nothing left to do.
            for _ in 0..<10_000 { loop.submit {} }
            try await eventually("it uses no processor any more") {
                let before = try Self.processorTime(name)
                try await Task.sleep(for: .milliseconds(200))
                return try Self.processorTime(name) - before < 20_000_000
            }
            for _ in 0..<2 {
                worker.stop()
                slave.remove()
                master.remove()
                socket.close()
                loop.stop()
            }
        }
    }

    /// Nanoseconds that a thread of this process has run.
    private static func processorTime(_ name: String) throws -> Int {
        for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            let folder = "/proc/self/task/\(task)"
            let comm = try? String(contentsOfFile: "\(folder)/comm", encoding: .utf8)
            guard comm == "\(name)\n" else { continue }
            let times = try String(contentsOfFile: "\(folder)/schedstat", encoding: .utf8)
            return try unwrap(times.split(separator: " ").first.flatMap { Int($0) })
        }
        throw GaveUp()
    }
}

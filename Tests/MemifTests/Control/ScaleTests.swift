import Foundation
import LinuxIO
import Memif
import Testing

@Suite("Many links on one control thread")
struct ScaleTests {
    @Test("idle links never wake it")
    func idle() async throws {
        let loop = try EventLoop.start(name: "memif-idle")
        defer { loop.stop() }
        let directory = try TemporaryDirectory()
        let socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        var slaves: [MemifInterface] = []
        for id in UInt32(0)..<50 {
            var configuration = InterfaceConfiguration(id: id)
            configuration.ringSize = 8
            _ = try socket.add(configuration)
            slaves.append(
                try MemifInterface.connect(
                    to: directory.address(), configuration, on: loop,
                    handshakeTimeout: .seconds(120)))
        }
        for slave in slaves { _ = try await slave.waitForLink(within: .seconds(60)) }
        // Queues that are taken, in each mode, do not wake it either.
        for (number, mode) in [ReceiveMode.polling, .interrupt].enumerated() {
            let queue = try unwrap(slaves[number].link?.takeReceiveQueue(0, mode: mode))
            expectEqual(queue.hasNews, false)
        }
        // Once the last events are handled, nothing is left to do, and no timer runs.
        let clock = ContinuousClock()
        try await eventually("it sleeps through") {
            let before = try Self.wakeUps("memif-idle")
            try await clock.sleep(until: clock.now + .milliseconds(300), tolerance: nil)
            return try Self.wakeUps("memif-idle") == before
        }
        #expect(slaves.allSatisfy { $0.link?.isUp == true })
        for slave in slaves { slave.remove() }
        socket.close()
    }

    /// How often a thread of this process went to sleep and was woken again, as the kernel counts.
    private static func wakeUps(_ name: String) throws -> Int {
        for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            let status = try? String(
                contentsOfFile: "/proc/self/task/\(task)/status", encoding: .utf8)
            let lines = status?.split(separator: "\n") ?? []
            guard lines.first?.hasSuffix("\t\(name)") == true else { continue }
            let line = try #require(lines.first { $0.hasPrefix("voluntary_ctxt_switches") })
            return try #require(line.split(separator: "\t").last.flatMap { Int($0) })
        }
        throw GaveUp()
    }
}

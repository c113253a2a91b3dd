import LinuxIO
import Memif
import Testing

@testable import virtwire

@Suite("All queues of a link", .timeLimit(.minutes(2)))
struct ReceivingQueuesTests {
    @Test("an answer is found on whichever queue it comes, at once or late", arguments: [1, 3])
    func answers(count: Int) async throws {
        let loop = try EventLoop.start(name: "queues")
        defer { loop.stop() }
        let path = newSocketPath()
        let socket = try MasterSocket.listen(at: UnixAddress(path: path), on: loop)
        var configuration = InterfaceConfiguration()
        configuration.queues = QueueCounts(pairs: count)
        let master = try socket.add(configuration)
        let slave = try socket.connect(configuration)
        let links = (
            near: try await slave.waitForLink(within: .seconds(60)),
            far: try await master.waitForLink(within: .seconds(60))
        )
        let found = try await Thread.perform(name: "asks") {
            Result { try Self.ask(links.near, links.far, count) }
        }.get()
        #expect(found == Array(0..<count * 2))
        slave.remove()
        socket.close()
    }

    /// Sends a number on each queue in turn, and looks for it on all of them.
    private static func ask(_ near: MemifLink, _ far: MemifLink, _ count: Int) throws -> [Int?] {
        guard var receiving = try ReceivingQueues.take(of: near) else { return [] }
        // Each is taken: there are no others to look at.
        if case .some = try ReceivingQueues.take(of: near) { return [] }
        var found: [Int?] = []
        for number in 0..<count * 2 {
            let index = number % count
            let send: @Sendable () throws -> Void = {
                guard var queue = far.takeTransmitQueue(index) else { return }
                var batch = FrameBatch()
                // What is not looked for comes before it.
                for content in [255, UInt8(number)] { batch.append([content]) }
                _ = try queue.transmitBurst(batch)
            }
            if number < count {
                try send()
            } else {
                // While the other thread sleeps, or is about to.
                try Thread.start(name: "answers") { try? send() }
            }
            let end = ContinuousClock.now + .seconds(60)
            found.append(
                try receiving.find(until: end, while: { true }) { frame in
                    frame == [UInt8(number)] ? number : nil
                })
        }
        let end = ContinuousClock.now + .seconds(60)
        try receiving.discard(until: end) { false }
        return found
    }
}

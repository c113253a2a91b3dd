import Foundation
import LinuxIO
import Memif
import Testing

@Suite("What Memif's articles show does what they say", .timeLimit(.minutes(2)))
struct MemifRunningTests {
    @Test("a master and a slave")
    func ends() async throws {
        let path = socketPath() + ".sock"
        defer { try? FileManager.default.removeItem(atPath: path) }
        async let master = printing { try await MemifSnippets.master(path) }
        let slave = try await printing { try await MemifSnippets.slave(path) }
        #expect(slave == "sent 1")
        #expect(try await master == "a slave is here: uplink\nframe of 60 bytes")
    }

    @Test("in place, sent on, from two pools, and by a worker")
    func queues() async throws {
        let loop = try EventLoop.start(name: "memif")
        let address = try UnixAddress(abstract: "virtwire" + socketPath())
        let socket = try MasterSocket.listen(at: address, on: loop)
        let master = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: address, try MemifSnippets.pools(), on: loop)
        let near = try await master.waitForLink(within: .seconds(30))
        let far = try await slave.waitForLink(within: .seconds(30))
        let worker = try MemifSnippets.worker(near)
        let printed = try await printing { try await work(far) }
        #expect(
            printed == "sent 1\nin place: 4 bytes\nsent 1\nsent on 1 of 1")
        worker.stop()
        slave.remove()
        socket.close()
        loop.stop()
    }

    /// The worker at the other end sends all back.
    private func work(_ link: MemifLink) async throws {
        guard var receiver = link.takeReceiveQueue(0), var sender = link.takeTransmitQueue(0)
        else { return }
        var batch = FrameBatch(frameCapacity: 1)
        batch.append([1, 2, 3, 4])
        for _ in 0..<2 {
            try MemifSnippets.inPlace(&receiver, &sender, batch[0])
            while !receiver.hasNews { await Task.yield() }
        }
        var views = receiver.makeViews()
        try MemifSnippets.forward(from: &receiver, to: &sender, &views)
    }
}

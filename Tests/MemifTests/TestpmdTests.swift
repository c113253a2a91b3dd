import LinuxIO
import Memif
import MemifTesting
import Testing

@Suite("With testpmd", .serialized)
struct TestpmdTests {
    @Test("our master receives what a client sends")
    func receiveAsMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop)
        let interface = try socket.add(InterfaceConfiguration())
        var options = Testpmd.Options(.slave, path: directory.path("m.sock"))
        options.forwarding = .transmit
        let testpmd = try await Testpmd(options)
        let link: MemifLink
        do {
            link = try await interface.waitForLink(within: .seconds(30))
        } catch {
            print(testpmd.output)
            throw error
        }
        print(link.terms)
        var queue = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch()
        var count = 0
        let start = ContinuousClock.now
        while count < 300_000 { 
            count += try queue.receiveBurst(into: &batch)
        }
        print("received", count, queue.counters, ContinuousClock.now - start)
        let stopping = ContinuousClock.now
        await testpmd.stop()
        print("stopped in", ContinuousClock.now - stopping, "")
        print(testpmd.statistics)
        try await eventually("the link is down") { !link.isUp }
        print(link.end as Any)
        socket.close()
    }
}

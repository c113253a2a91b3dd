import LinuxIO
import MemifTesting
import Testing

@testable import Memif

@Suite("What HELLO promises")
struct HelloTests {
    private let directory: TemporaryDirectory
    private let loop: EventLoop
    private let socket: MasterSocket

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
    }

    /// What a slave that connects now is told.
    private func hello() async throws -> ControlMessage.Hello {
        let peer = try RawPeer(connectingTo: directory.address())
        guard let incoming = try await peer.receive(), case .hello(let hello) = incoming.message
        else { throw GaveUp() }
        return hello
    }

    private func interface(
        _ id: UInt32, _ change: (inout InterfaceLimits) -> Void
    ) -> InterfaceConfiguration {
        var configuration = InterfaceConfiguration(id: id)
        change(&configuration.limits)
        return configuration
    }

    @Test("it promises what the interfaces take, and the most that any of them does")
    func limits() async throws {
        let none = try await hello()
        #expect(none == ControlMessage.Hello(name: "virtwire"))
        let first = try socket.add(
            interface(1) {
                $0.queues = QueueCounts(slaveToMaster: 4, masterToSlave: 8)
                $0.ringSize = 512
                $0.regions = 2
            })
        var told = try await hello()
        #expect(told.largestSlaveToMasterIndex == 3)
        #expect(told.largestMasterToSlaveIndex == 7)
        #expect(told.largestLog2RingSize == 9)
        #expect(told.largestRegionIndex == 1)
        let second = try socket.add(
            interface(2) {
                $0.queues = QueueCounts(slaveToMaster: 256, masterToSlave: 3)
                $0.ringSize = 1 << 20
                $0.regions = 1000
            })
        told = try await hello()
        #expect(told.largestSlaveToMasterIndex == 255)
        #expect(told.largestMasterToSlaveIndex == 7)
        #expect(told.largestLog2RingSize == 14)
        #expect(told.largestRegionIndex == 255)
        second.remove()
        told = try await hello()
        #expect(told.largestSlaveToMasterIndex == 3)
        first.remove()
        #expect(try await hello() == none)
        socket.close()
    }

    @Test("limits that make no sense on the wire are told as the nearest that does")
    func oddLimits() {
        var limits = InterfaceLimits()
        limits.queues = QueueCounts(slaveToMaster: 0, masterToSlave: 1)
        limits.ringSize = 1000
        limits.regions = 0
        let hello = ControlMessage.Hello(name: "", limits: [limits])
        // Room for two rings: gomemif takes the index for a count.
        #expect(hello.largestSlaveToMasterIndex == 1)
        #expect(hello.largestMasterToSlaveIndex == 1)
        #expect(hello.largestLog2RingSize == 9)
        #expect(hello.largestRegionIndex == 0)
        limits.ringSize = -5
        #expect(ControlMessage.Hello(name: "", limits: [limits]).largestLog2RingSize == 1)
    }

    @Test("a slave of ours that wants more offers what there is room for, and connects")
    func reduced() async throws {
        let master = try socket.add(
            interface(0) {
                $0.queues = QueueCounts(slaveToMaster: 2, masterToSlave: 3)
                $0.ringSize = 64
            })
        var wishes = InterfaceConfiguration()
        wishes.queues = QueueCounts(pairs: 8)
        wishes.ringSize = 2048
        let slave = try MemifInterface.connect(
            to: directory.address(), wishes, on: loop, handshakeTimeout: .seconds(120))
        let link = try await master.waitForLink(within: .seconds(30))
        #expect(link.receiveQueueCount == 2)
        #expect(link.transmitQueueCount == 3)
        #expect(link.details.receiveQueues.allSatisfy { $0.ringSize == 64 })
        slave.remove()
        socket.close()
    }
}

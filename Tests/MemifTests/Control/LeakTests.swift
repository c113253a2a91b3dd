import LinuxIO
import Memif
import MemifTesting
import Testing

@Suite("Nothing leaks")
struct LeakTests {
    /// In a process of its own, where nobody else opens and closes.
    @Test("two hundred links leave no descriptor and no mapping behind")
    func links() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let loop = try EventLoop.start(name: "memif")
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            let master = try socket.add(InterfaceConfiguration())
            var before = ProcessResources()
            for round in 0..<201 {
                var configuration = InterfaceConfiguration()
                configuration.queues = QueueCounts(pairs: 2)
                let slave = try MemifInterface.connect(
                    to: directory.address(), configuration, on: loop,
                    handshakeTimeout: .seconds(120))
                try await Self.use(slave.waitForLink(within: .seconds(60)))
                // By turns the slave, the master and the link end it.
                switch round % 3 {
                case 0: slave.remove()
                case 1: master.disconnect(DisconnectReason(.administrative, "round \(round)"))
                default: slave.link?.disconnect(DisconnectReason(.administrative, "enough"))
                }
                slave.remove()
                try await eventually("the master is free again") {
                    master.link == nil && slave.link == nil
                }
                // The first round may have opened what stays, such as the runtime's own descriptors.
                if round == 0 { before = try await ProcessResources.settled() }
            }
            let after = try await ProcessResources.settled(like: before)
            try #require(after == before)
            socket.close()
            loop.stop()
        }
    }

    @Test("handshakes that end at any step leave nothing behind")
    func handshakes() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let loop = try EventLoop.start(name: "memif")
            let socket = try MasterSocket.listen(
                at: directory.address(), on: loop, options: .patient)
            let interface = try socket.add(InterfaceConfiguration())
            var before = ProcessResources()
            for round in 0..<51 {
                for step in 0..<5 { try await Self.leave(directory.address(), after: step) }
                try await eventually("the interface is free again") { interface.link == nil }
                if round == 0 { before = try await ProcessResources.settled() }
            }
            let after = try await ProcessResources.settled(like: before)
            try #require(after == before)
            socket.close()
            loop.stop()
        }
    }

    /// Sends and receives something, so that queues were taken and let go.
    private static func use(_ link: MemifLink) async throws {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var receiver = try unwrap(link.takeReceiveQueue(1, mode: .interrupt))
        var batch = FrameBatch(frameCapacity: 4)
        batch.append([1, 2, 3])
        _ = try? sender.transmitBurst(batch)
        _ = try? receiver.receiveBurst(into: &batch)
    }

    /// A slave that goes away without a word in the midst of its handshake.
    private static func leave(_ address: UnixAddress, after step: Int) async throws {
        let slave = try RawSlave(to: address)
        if step == 0 { return }
        try await slave.initialize()
        if step == 1 { return }
        try await slave.addRegion()
        if step == 2 { return }
        try await slave.addRings()
        if step == 3 { return }
        try slave.peer.send(.connect(interfaceName: ""))
        try await slave.peer.expect("CONNECTED")
    }
}

import Glibc
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Peers that come and go as fast as they can.
///
/// There is no limit on how often one may connect: the control thread takes a few at a time and hears
/// each for a moment, so that whoever else it serves has their turn soon, and frames are not its business.
/// Only the place in the kernel's queue is nobody's to share out: who tries for one all the time takes it from
/// those who pause in between.
@Suite("A crowd at the door", .timeLimit(.minutes(3)))
struct CrowdTests {
    @Test("it costs a link no frame, keeps no slave from connecting, and leaves nothing behind")
    func crowd() async {
        await #expect(processExitsWith: .success) { try await CrowdTests.withstand() }
    }

    private static func withstand() async throws {
        let directory = try TemporaryDirectory()
        let address = try directory.address()
        let loop = try EventLoop.start(name: "memif")
        let worker = try PacketWorker.start()
        let socket = try MasterSocket.listen(at: address, on: loop, options: .patient)
        let attacked = try socket.add(InterfaceConfiguration(id: 0))
        let wanted = try socket.add(InterfaceConfiguration(id: 2))
        let neighbour = try await Neighbour(socket, at: address, .master, loop, worker)
        async let traffic = neighbour.run()
        try await connect(to: address, wanted, times: 1)
        let before = try await ProcessResources.settled()

        let isOver = Flag()
        async let abandoned = abandon(address, until: isOver)
        async let finished = finish(address, until: isOver)
        // Also where a slave does not get in: whoever waits for the crowd would wait for ever.
        defer { isOver.raise() }
        try await connect(to: address, wanted, times: 20)
        isOver.raise()
        let counts = (await abandoned, await finished)
        try #require(counts.0 > 20 && counts.1 > 0, "\(counts)")

        try await eventually(within: .seconds(60), "nothing is left of the crowd") {
            try attacked.link == nil && ProcessResources.current() == before
        }
        neighbour.stop()
        let result = try await traffic
        try #require(result.sent > 0 && result.received == result.sent, "\(result)")
        neighbour.end()
        socket.close()
    }

    /// A slave that means well comes and goes.
    private static func connect(
        to address: UnixAddress, _ master: MemifInterface, times: Int
    ) async throws {
        let loop = try EventLoop.start(name: "slave")
        for _ in 0..<times {
            let slave = try MemifInterface.connect(
                to: address, master.configuration, on: loop, reconnect: .eager,
                handshakeTimeout: .seconds(120))
            _ = try await slave.waitForLink(within: .seconds(60))
            slave.remove()
            try await eventually("the interface is free again") { master.link == nil }
        }
        loop.stop()
    }

    /// Connects, announces a region, and is gone before it is answered.
    private static func abandon(_ address: UnixAddress, until isOver: Flag) async -> Int {
        var count = 0
        while !isOver.isRaised {
            do {
                let slave = try RawSlave(to: address)
                try slave.peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "gone")))
                let region = ControlMessage.AddRegion(
                    index: 0, byteCount: UInt64(slave.memory.byteCount))
                try slave.peer.send(
                    .addRegion(region), descriptors: [slave.memory.file.rawValue])
                count += 1
            } catch {
                // The queue of those who wait to be accepted is full, and who gets the next place in it is
                // the kernel's to say: the slave that means well tries again after as long.
                try? await Task.sleep(for: .milliseconds(1))
            }
        }
        return count
    }

    /// Goes through the whole handshake, as often as the other lets it in.
    private static func finish(_ address: UnixAddress, until isOver: Flag) async -> Int {
        var count = 0
        while !isOver.isRaised {
            do {
                try await RawSlave(to: address).connect()
                count += 1
            } catch {
                // As above.
                try? await Task.sleep(for: .milliseconds(1))
            }
        }
        return count
    }
}

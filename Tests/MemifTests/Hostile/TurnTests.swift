import LinuxIO
import Memif
import MemifTesting
import Testing

/// What the control thread does for a peer before others have their turn: on a loop that is turned by hand,
/// so that each turn can be looked at.
@Suite("A turn of the loop under attack")
struct TurnTests {
    private let directory: TemporaryDirectory
    private let loop: EventLoop
    private let socket: MasterSocket

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.unattended()
        var options = MasterSocket.Options.patient
        options.mostPending = 1000
        options.mostPendingPerUser = 1000
        socket = try MasterSocket.listen(at: directory.address(), on: loop, options: options)
        var configuration = InterfaceConfiguration()
        configuration.limits.queues = QueueCounts(pairs: 256)
        _ = try socket.add(configuration)
    }

    private func end() throws {
        socket.close()
        loop.stop()
        try loop.runReady()
    }

    /// One turn, in which what was submitted before has its turn too, whatever else there is to do.
    private func turn() throws {
        let isDone = Flag()
        loop.submit { isDone.raise() }
        try loop.runReady()
        #expect(isDone.isRaised)
    }

    /// How many messages have come by now.
    private func answers(_ peer: RawPeer) async -> Int {
        var count = 0
        while (try? await peer.receive(within: .milliseconds(5))) != nil { count += 1 }
        return count
    }

    @Test("takes in sixteen of a crowd at the door")
    func crowd() async throws {
        let peers = try (0..<40).map { _ in try RawPeer(connectingTo: directory.address()) }
        var greeted = 0
        for expected in [16, 16, 8] {
            try turn()
            for peer in peers[greeted..<greeted + expected] { try await peer.expect("HELLO") }
            greeted += expected
            if greeted < peers.count {
                #expect(await answers(peers[greeted]) == 0)
            }
        }
        try end()
    }

    @Test("hears thirty-two messages of one that sends all at once, and one of each other")
    func messages() async throws {
        let slave = try RawSlave(to: directory.address())
        try turn()
        try await slave.peer.expect("HELLO")
        try slave.peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "hasty")))
        let region = ControlMessage.AddRegion(index: 0, byteCount: UInt64(slave.memory.byteCount))
        try slave.peer.send(.addRegion(region), descriptors: [slave.memory.file.rawValue])
        for _ in 0..<2 {
            try turn()
            try await slave.peer.expect("ACK")
        }
        for index in 0..<100 as Range<UInt16> {
            var ring = slave.announcements[0]
            ring.index = index
            ring.offset = UInt32(index) * 512
            try slave.peer.send(
                .addRing(ring), descriptors: [slave.sendingInterrupt.descriptor.rawValue])
        }
        let other = try RawPeer(connectingTo: directory.address())
        try turn()
        try await other.expect("HELLO")
        #expect(await answers(slave.peer) == 32)
        try other.send(.initialize(ControlMessage.Initialize(id: 7, name: "other")))
        try turn()
        #expect(try await other.receiveDisconnect()?.code == .unknownInterface)
        #expect(await answers(slave.peer) == 32)
        try end()
    }
}

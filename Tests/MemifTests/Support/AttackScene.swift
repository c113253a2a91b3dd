import LinuxIO
import Memif
import MemifTesting
import Synchronization
import Testing

/// A victim of ours in either role, and beside it, on the same socket, loop and worker, a link between
/// friends whose frames are counted.
final class AttackScene: Sendable {
    let directory: TemporaryDirectory
    let loop: EventLoop
    let worker: PacketWorker
    let victim: MemifInterface
    /// The hostile master's socket, for a victim that is a slave.
    let hostile: RawMaster?
    let neighbour: Neighbour
    /// Whether each attack is followed by a look at who works.
    let isMeasured = Flag()
    private let sockets: [MasterSocket]

    init(_ role: MemifRole) async throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        worker = try PacketWorker.start()
        let friendly = try MasterSocket.listen(
            at: directory.address("friend.sock"), on: loop, options: .patient)
        sockets = [friendly]
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 16
        configuration.longestFrame = 20_000
        switch role {
        case .master:
            hostile = nil
            victim = try friendly.add(configuration)
        case .slave:
            hostile = try RawMaster(at: directory.address("hostile.sock"))
            victim = try MemifInterface.connect(
                to: directory.address("hostile.sock"), configuration, on: loop,
                reconnect: ReconnectPolicy(
                    firstPause: .milliseconds(1), longestPause: .milliseconds(1)),
                handshakeTimeout: .seconds(120))
        }
        neighbour = try await Neighbour(
            friendly, at: directory.address("friend.sock"), role, loop, worker)
        victim.onEvent { [worker] event in
            if case .up(let link) = event { worker.attach(link, PacketEcho()) }
        }
    }

    /// The address of the victim that is a master.
    func address() throws -> UnixAddress { try directory.address("friend.sock") }

    /// A link to the victim, at its hostile end. It is served: the victim has taken its queues.
    func hostileEnd() async throws -> HostileEnd {
        let end: HostileEnd
        if let hostile {
            end = try HostileEnd(try await hostile.connect())
        } else {
            let slave = try RawSlave(to: address())
            try await slave.connect()
            end = try HostileEnd(slave)
        }
        try await end.awaitConsumed(0)
        return end
    }

    /// Waits until the victim would take another peer.
    func isFree() async throws {
        try await eventually("the victim is free again") { victim.link == nil }
    }

    func end() {
        neighbour.end()
        victim.remove()
        for socket in sockets { socket.close() }
        worker.stop()
        loop.stop()
    }
}

/// A link that nobody attacks: frames with numbers go to its other end and come back.
final class Neighbour: Sendable {
    private let stopping = Flag()
    private let resting = Atomic(false)
    private let interfaces: [MemifInterface]
    private let loop: EventLoop
    private let near: MemifLink

    /// - Parameter role: that of the end on the attacked loop, which is served by the worker.
    init(
        _ socket: MasterSocket, at address: UnixAddress, _ role: MemifRole, _ shared: EventLoop,
        _ worker: PacketWorker
    ) async throws {
        // The other end is out of the attack's way.
        loop = try EventLoop.start(name: "friend")
        let configuration = InterfaceConfiguration(id: 1)
        let master = try socket.add(configuration)
        let slave = try MemifInterface.connect(
            to: address, configuration, on: role == .slave ? shared : loop,
            handshakeTimeout: .seconds(120))
        interfaces = [slave, master]
        let links = (
            master: try await master.waitForLink(within: .seconds(60)),
            slave: try await slave.waitForLink(within: .seconds(60))
        )
        worker.attach(role == .master ? links.master : links.slave, PacketEcho())
        near = role == .master ? links.slave : links.master
    }

    /// What the traffic amounted to.
    struct Traffic: Sendable {
        var sent = 0
        /// Frames that came back whole and in their turn.
        var received = 0
    }

    /// Sends numbered frames until it is told to stop, a few at a time, and reads them back.
    func run() async throws -> Traffic {
        try await onThread { [self] in
            var sender = try unwrap(near.takeTransmitQueue(0))
            var receiver = try unwrap(near.takeReceiveQueue(0, mode: .interrupt))
            var batch = FrameBatch(frameCapacity: 16)
            var traffic = Traffic()
            let limit = ContinuousClock.now + .seconds(120)
            while ContinuousClock.now < limit {
                let isDone = traffic.received == traffic.sent
                if isDone, stopping.isRaised { return traffic }
                if isDone, resting.load(ordering: .relaxed) {
                    _ = receiver.waitForFrames(milliseconds: 2)
                } else if isDone {
                    // A pause between bursts: what else takes time can be seen beside it.
                    _ = receiver.waitForFrames(milliseconds: 1)
                    batch.removeAll()
                    for number in 0..<8 { batch.append(Self.frame(traffic.sent + number)) }
                    traffic.sent += try sender.transmitBurst(batch)
                }
                if traffic.received != traffic.sent {
                    _ = receiver.waitForFrames(milliseconds: 20)
                }
                for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                    guard batch.bytes(of: index) == Self.frame(traffic.received) else {
                        return traffic
                    }
                    traffic.received += 1
                }
            }
            return traffic
        }
    }

    /// Begins or ends a rest, in which nothing is sent.
    func rest(_ isResting: Bool) { resting.store(isResting, ordering: .relaxed) }

    func stop() { stopping.raise() }

    func end() {
        for interface in interfaces { interface.remove() }
        loop.stop()
    }

    private static func frame(_ number: Int) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
            + [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 60 + number % 200)
    }
}

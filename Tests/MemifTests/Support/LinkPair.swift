import LinuxIO
import Memif
import Testing

/// A master and a slave of ours, connected in this process.
final class LinkPair: Sendable {
    let directory: TemporaryDirectory
    let loop: EventLoop
    let socket: MasterSocket
    let masterInterface: MemifInterface
    let slaveInterface: MemifInterface
    let master: MemifLink
    let slave: MemifLink

    init(_ change: (inout InterfaceConfiguration) -> Void = { _ in }) async throws {
        var configuration = InterfaceConfiguration()
        change(&configuration)
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        masterInterface = try socket.add(configuration)
        slaveInterface = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, handshakeTimeout: .seconds(120))
        master = try await masterInterface.waitForLink(within: .seconds(30))
        slave = try await slaveInterface.waitForLink(within: .seconds(30))
    }

    deinit {
        slaveInterface.remove()
        socket.close()
        loop.stop()
    }

    /// The two ends as the one in this role sees them: the other, and itself.
    func ends(around role: MemifRole) -> (outside: MemifLink, inside: MemifLink) {
        role == .slave ? (master, slave) : (slave, master)
    }

    /// The end that sends and the end that receives, for a direction.
    func ends(_ direction: RingDirection) -> (sender: MemifLink, receiver: MemifLink) {
        switch direction {
        case .slaveToMaster: (slave, master)
        case .masterToSlave: (master, slave)
        }
    }
}

/// Frames of random content and their way through a pair of queues.
enum Frames {
    static func random(
        sizes: some Collection<Int>, _ generator: inout SeededGenerator
    ) -> [[UInt8]] {
        sizes.map { generator.bytes($0) }
    }

    /// Sends frames through a ring in one thread, receiving whenever the ring is full, and returns
    /// what came out.
    static func pass(
        _ frames: [[UInt8]], through sender: inout TransmitQueue, _ receiver: inout ReceiveQueue,
        burst: Int = 32
    ) throws -> [[UInt8]] {
        var outgoing = FrameBatch(frameCapacity: burst, byteCapacity: burst * 10_240)
        var incoming = FrameBatch(frameCapacity: burst, byteCapacity: burst * 10_240)
        var received: [[UInt8]] = []
        var rest = frames[...]
        while !rest.isEmpty {
            outgoing.removeAll()
            for frame in rest.prefix(burst) { outgoing.append(frame) }
            rest = rest.dropFirst(outgoing.count)
            var sent = 0
            while sent < outgoing.count {
                sent += try sender.transmitBurst(outgoing, from: sent)
                let count = try receiver.receiveBurst(into: &incoming)
                for index in 0..<count { received.append(incoming.bytes(of: index)) }
            }
        }
        while try receiver.receiveBurst(into: &incoming) > 0 {
            for index in 0..<incoming.count { received.append(incoming.bytes(of: index)) }
        }
        return received
    }
}

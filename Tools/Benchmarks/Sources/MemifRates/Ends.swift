import LinuxIO
import Memif

/// One interface of ours with its link.
final class End: Sendable {
    let link: MemifLink
    private let loop: EventLoop
    private let interface: MemifInterface
    private let socket: MasterSocket?

    init(_ role: MemifRole, at path: String, _ traffic: Traffic) async throws {
        loop = try EventLoop.start(name: "memif")
        let address = try UnixAddress(path)
        switch role {
        case .master:
            let socket = try MasterSocket.listen(at: address, on: loop)
            self.socket = socket
            interface = try socket.add(traffic.configuration)
        case .slave:
            socket = nil
            interface = try MemifInterface.connect(to: address, traffic.configuration, on: loop)
        }
        link = try await interface.waitForLink(within: .seconds(30))
    }

    func end() {
        interface.remove()
        socket?.close()
        loop.stop()
    }
}

/// A master and a slave of ours in this process.
final class Pair: Sendable {
    let master: MemifLink
    let slave: MemifLink
    private let loop: EventLoop
    private let socket: MasterSocket
    private let interfaces: [MemifInterface]

    init(_ traffic: Traffic) async throws {
        loop = try EventLoop.start(name: "memif")
        let address = try UnixAddress(abstract: "memif-rates-\(Thread.currentID)")
        socket = try MasterSocket.listen(at: address, on: loop)
        let first = try socket.add(traffic.configuration)
        let second = try MemifInterface.connect(to: address, traffic.configuration, on: loop)
        interfaces = [first, second]
        master = try await first.waitForLink(within: .seconds(10))
        slave = try await second.waitForLink(within: .seconds(10))
    }

    func ends(_ direction: RingDirection) -> (sender: MemifLink, receiver: MemifLink) {
        direction == .slaveToMaster ? (slave, master) : (master, slave)
    }

    func end() {
        for interface in interfaces { interface.remove() }
        socket.close()
        loop.stop()
    }
}

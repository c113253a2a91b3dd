import LinuxIO
import Memif
import MemifTesting

/// A master of ours with one interface, for a raw slave to attack.
struct AttackedMaster {
    let directory: TemporaryDirectory
    let loop: EventLoop
    let socket: MasterSocket
    let interface: MemifInterface

    init(
        options: MasterSocket.Options = .patient,
        _ change: (inout InterfaceConfiguration) -> Void = { _ in }
    ) throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: options)
        var configuration = InterfaceConfiguration()
        configuration.longestFrame = 20_000
        change(&configuration)
        interface = try socket.add(configuration)
    }

    /// A slave that has just connected.
    func slave(_ change: (inout RawSlave.Shape) -> Void = { _ in }) throws -> RawSlave {
        var shape = RawSlave.Shape()
        change(&shape)
        return try RawSlave(to: directory.address(), shape)
    }

    /// A slave after its handshake, and the master's end of its link.
    func connected(
        _ change: (inout RawSlave.Shape) -> Void = { _ in }
    ) async throws -> (RawSlave, MemifLink) {
        let slave = try slave(change)
        try await slave.connect()
        return (slave, try await interface.waitForLink(within: .seconds(30)))
    }
}

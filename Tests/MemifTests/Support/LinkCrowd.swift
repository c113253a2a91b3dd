import LinuxIO
import Memif
import Testing

/// Many links between one master's socket and as many slaves, all on one control thread.
final class LinkCrowd: Sendable {
    static let threadName = "memif-crowd"

    let loop: EventLoop
    let socket: MasterSocket
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: Self.threadName)
        socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
    }

    deinit {
        socket.close()
        loop.stop()
    }

    /// Sets up links whose interfaces have these ids, and waits for both ends of each.
    func add(
        _ ids: Range<UInt32>, _ change: (inout InterfaceConfiguration) -> Void
    ) async throws -> [Member] {
        var members: [Member] = []
        for id in ids {
            // No more at a time than the socket lets in.
            if members.count >= 32 { _ = try await members[members.count - 32].links() }
            var configuration = InterfaceConfiguration(id: id)
            change(&configuration)
            members.append(
                Member(
                    master: try socket.add(configuration),
                    slave: try MemifInterface.connect(
                        to: directory.address(), configuration, on: loop,
                        handshakeTimeout: .seconds(120))))
        }
        for member in members { _ = try await member.links() }
        return members
    }

    /// The two interfaces of a link.
    struct Member: Sendable {
        let master: MemifInterface
        let slave: MemifInterface

        func links() async throws -> (master: MemifLink, slave: MemifLink) {
            (
                try await master.waitForLink(within: .seconds(60)),
                try await slave.waitForLink(within: .seconds(60))
            )
        }
    }
}

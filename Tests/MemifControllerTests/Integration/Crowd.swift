import LinuxIO
import Synchronization

/// Clients that connect to a stream socket and say nothing, as long as they are not told to leave.
final class Crowd: Sendable {
    private let sockets: Mutex<DescriptorQueue>

    /// Has so many connect; once the listener's backlog is full, fewer.
    init(_ count: Int, at path: String) throws(SystemError) {
        let address = try UnixAddress(path: path)
        var sockets = DescriptorQueue()
        for _ in 0..<count {
            guard let socket = try? UnixSocket.connect(to: address, kind: .stream) else { continue }
            sockets.append(try socket.descriptor.duplicate())
        }
        self.sockets = Mutex(sockets)
    }

    /// How many are there still, as far as this side knows.
    var count: Int { sockets.withLock { $0.count } }

    func leave() { sockets.withLock { $0 = DescriptorQueue() } }
}

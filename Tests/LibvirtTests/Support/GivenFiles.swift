import Glibc
import LibvirtRPC
import LinuxIO
import Synchronization

/// Sockets to pass along with a call, whose other ends stay here and tell when they are closed
/// everywhere: in this process, in the peer's, and on the way between them.
final class GivenFiles: Sendable {
    /// Which files they are, in order.
    let identities: [FileIdentity]
    private let own: DescriptorQueue
    private let given: PassedDescriptors

    init(_ count: Int) throws(SystemError) {
        var identities: [FileIdentity] = []
        var own = DescriptorQueue()
        var given = DescriptorQueue()
        for _ in 0..<count {
            let pair = try UnixSocket.pair(.stream)
            identities.append(try pair.second.descriptor.status().identity)
            own.append(try pair.first.descriptor.duplicate())
            given.append(try pair.second.descriptor.duplicate())
        }
        self.identities = identities
        self.own = own
        self.given = PassedDescriptors(given)
    }

    /// The descriptors, for the one call that they are for.
    func take() -> DescriptorQueue { given.takeAll() }

    /// Whether the call has them.
    var areTaken: Bool { given.count == 0 }

    /// How many are open, wherever that is.
    var openCount: Int {
        own.all.count { number in
            var waiting = pollfd(fd: number, events: 0, revents: 0)
            // SAFETY: the call reads and writes one structure, which lives through it.
            return unsafe poll(&waiting, 1, 0) == 0 || waiting.revents & Int16(POLLHUP) == 0
        }
    }
}

/// What came with the calls that a fake daemon was asked.
final class ArrivedFiles: Sendable {
    private let all = Mutex<[FileIdentity]>([])

    /// Which files they were, in order.
    var identities: [FileIdentity] { all.withLock(\.self) }

    /// Looks at the descriptors of a call, and closes them.
    func note(_ passed: PassedDescriptors?) {
        while let descriptor = passed?.takeFirst() {
            guard let identity = try? descriptor.status().identity else { continue }
            all.withLock { $0.append(identity) }
        }
    }
}

internal import CLinuxIO
internal import Glibc
internal import Synchronization

/// A network namespace: abstract socket names are known within one only.
///
/// Source: network_namespaces(7), setns(2).
public final class NetworkNamespace: Sendable {
    private let descriptor: OwnedDescriptor

    /// The namespace behind a file, such as `/proc/PID/ns/net`.
    ///
    /// - Throws: `SystemError` when the file cannot be opened.
    public init(path: String) throws(SystemError) {
        descriptor = OwnedDescriptor(
            adopting: try systemCall("open the network namespace", path) {
                // SAFETY: the C string lives for the call.
                unsafe open(path, O_RDONLY | O_CLOEXEC)
            })
    }

    /// A namespace that `ip netns` made.
    ///
    /// - Throws: as `init(path:)`.
    public convenience init(named name: String) throws(SystemError) {
        try self.init(path: "/run/netns/\(name)")
    }

    /// Listens at an address in the namespace.
    ///
    /// - Throws: `SystemError`: as `UnixListener.bind`, or EPERM for who may not enter.
    public func listen(
        at address: UnixAddress, kind: UnixSocketKind
    ) throws(SystemError) -> UnixListener {
        let number = try perform { () throws(SystemError) in
            try UnixListener.bind(to: address, kind: kind).descriptor.duplicate().release()
        }
        return try UnixListener(adopting: OwnedDescriptor(adopting: number))
    }

    /// Connects to an address in the namespace.
    ///
    /// - Throws: `SystemError`: as `UnixSocket.connect`, or EPERM for who may not enter.
    public func connect(
        to address: UnixAddress, kind: UnixSocketKind
    ) throws(SystemError) -> UnixSocket {
        let number = try perform { () throws(SystemError) in
            try UnixSocket.connect(to: address, kind: kind).descriptor.duplicate().release()
        }
        return try UnixSocket(adopting: OwnedDescriptor(adopting: number))
    }

    /// Runs a piece of work on a thread that lives in the namespace, and waits for it: the calling
    /// thread stays where it is. A socket belongs to the namespace that it was made in.
    private func perform(
        _ body: @escaping @Sendable () throws(SystemError) -> Int32
    ) throws(SystemError) -> Int32 {
        let visit = try Visit()
        try Thread.start(name: "namespace") { [self] in
            do throws(SystemError) {
                let number = descriptor.rawValue
                try systemCall("enter a network namespace") { clinuxio_enter_network(number) }
                visit.end(.success(try body()))
            } catch {
                visit.end(.failure(error))
            }
        }
        return try visit.wait().get()
    }

    /// One piece of work on a thread in the namespace.
    private final class Visit: Sendable {
        private let result = Mutex<Result<Int32, SystemError>?>(nil)
        private let isOver: EventCounter

        init() throws(SystemError) { isOver = try EventCounter() }

        func end(_ result: Result<Int32, SystemError>) {
            self.result.withLock { $0 = result }
            isOver.signal()
        }

        func wait() -> Result<Int32, SystemError> {
            while true {
                if let result = result.withLock({ $0 }) { return result }
                _ = isOver.wait(milliseconds: -1)
            }
        }
    }
}

internal import CLinuxIO
internal import Glibc

/// A listening UNIX socket.
public struct UnixListener: ~Copyable, Sendable {
    /// The descriptor, for a poller or to hand over.
    public let descriptor: OwnedDescriptor

    /// Takes over a socket that already listens and makes it non-blocking.
    public init(adopting descriptor: consuming OwnedDescriptor) throws(SystemError) {
        try descriptor.setNonblocking(true)
        self.descriptor = descriptor
    }

    /// Binds and listens at an address. A socket file appears with the mode that the umask leaves;
    /// `SocketFile` is the way to a file with owner and mode set before anyone can connect.
    ///
    /// - Throws: `SystemError`; EADDRINUSE when something stands at the path.
    public static func bind(
        to address: UnixAddress, kind: UnixSocketKind, backlog: Int32 = 128
    ) throws(SystemError) -> UnixListener {
        let descriptor = try bound(to: address, kind: kind)
        return try listening(descriptor, backlog: backlog, subject: address.description)
    }

    /// A socket that has its address and does not listen yet: whoever connects is refused.
    static func bound(
        to address: UnixAddress, kind: UnixSocketKind
    ) throws(SystemError) -> OwnedDescriptor {
        let descriptor = try UnixSocket.newSocket(kind)
        let number = descriptor.rawValue
        // SAFETY: the address lives for the call, and its length is its own.
        try systemCall("bind a socket to", address.description) {
            unsafe address.withSocketAddress { pointer, length in
                unsafe Glibc.bind(number, pointer, length)
            }
        }
        return descriptor
    }

    /// Makes a bound socket listen.
    static func listening(
        _ descriptor: consuming OwnedDescriptor, backlog: Int32, subject: String
    ) throws(SystemError) -> UnixListener {
        let number = descriptor.rawValue
        try systemCall("listen on", subject) { listen(number, backlog) }
        return try UnixListener(adopting: descriptor)
    }

    /// Lets those who connect from now on pass descriptors before they are accepted, or has their sends fail
    /// with EPERM (Linux 6.16; before that they may always).
    public borrowing func letPeersPassDescriptors(_ mayPass: Bool) {
        _ = clinuxio_pass_descriptors(descriptor.rawValue, mayPass ? 1 : 0)
    }

    /// Closes it, and what those who wait to be accepted have passed with it.
    ///
    /// - Parameter isShared: whether another process may have it too. Then a disposal closes it, soon; else it
    ///   is closed here, and so its address is free, and a disposal closes only what may take time. (But for
    ///   want of descriptors it is closed as if it were shared.)
    public consuming func close(by disposal: Disposal, isShared: Bool) {
        if isShared { return disposal.close(descriptor.release()) }
        // Nobody comes any more.
        _ = shutdown(descriptor.rawValue, Int32(SHUT_RDWR))
        do throws(SystemError) {
            while let waiting = try accept() { waiting.close(by: disposal) }
        } catch {
            // There are too few descriptors: those who are left go with it.
            disposal.close(descriptor.release())
        }
    }

    /// Accepts one connection without waiting; nil when none is waiting (or the one that did has gone).
    ///
    /// - Throws: `SystemError`; EMFILE or ENFILE when descriptors have run out, but for the
    ///   `DescriptorReserve`.
    public borrowing func accept() throws(SystemError) -> UnixSocket? {
        guard DescriptorReserve.leavesRoom(beside: descriptor) else {
            throw SystemError(code: EMFILE, operation: "accept a connection")
        }
        while true {
            let number = clinuxio_accept(descriptor.rawValue)
            if number >= 0 { return try UnixSocket(adopting: OwnedDescriptor(adopting: number)) }
            switch errno {
            case EINTR: continue
            case EAGAIN, ECONNABORTED: return nil
            default: throw SystemError("accept a connection")
            }
        }
    }
}

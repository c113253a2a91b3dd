internal import Glibc
public import LinuxIO
internal import Synchronization

/// A connected TCP socket whose last close takes an hour, unless ``spring()`` ends it: it lingers for what it
/// has sent, and nobody reads that.
///
/// Whoever lets go of it last waits. So it is passed to a victim, which cannot know.
public final class LingeringSocket: Sendable {
    /// Its number, to be passed on before ``letGo()``.
    public let rawValue: Int32
    private let listener: Mutex<OwnedDescriptor?>
    private let connected: Mutex<OwnedDescriptor?>

    /// Connects to itself on this host's loopback, and sends as much as there is room for.
    ///
    /// - Parameter disposal: closes our own descriptor of it; nil does so where it is let go of.
    /// - Throws: `SystemError` where there is no loopback.
    public init(closedBy disposal: Disposal? = nil) throws(SystemError) {
        let listener = try Self.newSocket()
        let connected = try Self.newSocket().closed(by: disposal)
        try Self.fill(connected.rawValue, over: listener.rawValue)
        rawValue = connected.rawValue
        self.listener = Mutex(listener)
        self.connected = Mutex(connected)
    }

    deinit { spring() }

    /// Lets go of our own descriptor, which must not be the last one, unless a disposal closes it.
    public func letGo() {
        let connected = connected.withLock { $0.take() }
        _ = consume connected
    }

    /// Ends it, and with it the wait of whoever closes it.
    public func spring() {
        let listener = listener.withLock { $0.take() }
        _ = consume listener
    }

    private static func fill(_ client: Int32, over server: Int32) throws(SystemError) {
        var address = sockaddr_in()
        address.sin_family = UInt16(AF_INET)
        // 127.0.0.1, and any port.
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the address lives on this frame for each call, and its length is its own.
        try unsafe withUnsafeMutablePointer(to: &address) { (pointer) throws(SystemError) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                (pointer) throws(SystemError) in
                try systemCall("bind to the loopback") { unsafe bind(server, pointer, length) }
                try systemCall("listen on the loopback") { listen(server, 1) }
                try systemCall("read a socket's address") {
                    unsafe getsockname(server, pointer, &length)
                }
                try systemCall("connect to the loopback") {
                    unsafe connect(client, pointer, length)
                }
            }
        }
        var hour = linger(l_onoff: 1, l_linger: 3600)
        // SAFETY: as above.
        try systemCall("have a socket linger") {
            unsafe setsockopt(
                client, SOL_SOCKET, SO_LINGER, &hour, socklen_t(MemoryLayout<linger>.size))
        }
        let bytes = [UInt8](repeating: 0, count: 65_536)
        // SAFETY: the array lives for each call. The last one finds no room.
        while unsafe send(client, bytes, bytes.count, Int32(MSG_DONTWAIT)) > 0 {}
    }

    private static func newSocket() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try systemCall("create a socket") {
                socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            })
    }
}

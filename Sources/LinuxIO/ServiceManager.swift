internal import Glibc

/// The service manager that started this process, for telling it how the service is.
///
/// Source: sd_notify(3), sd_watchdog_enabled(3): lines of text in a datagram to the socket that
/// NOTIFY_SOCKET names.
public struct ServiceManager: Sendable, Hashable {
    private let address: UnixAddress
    /// How often it wants a sign of life, or it ends the process; nil when it wants none.
    public let watchdog: Duration?
    /// How many descriptors it keeps for this service's next process; 0 where none.
    public let storeCapacity: Int

    /// The manager that the environment tells of; nil without one.
    ///
    /// - Throws: `SystemError` when the environment names a socket that cannot be one.
    public init?() throws(SystemError) {
        try self.init(
            socket: Environment.value("NOTIFY_SOCKET"),
            watchdogMicroseconds: Environment.value("WATCHDOG_USEC"),
            watchdogProcess: Environment.value("WATCHDOG_PID"),
            storeCapacity: Environment.value("FDSTORE"))
    }

    /// As ``init()``, from the variables' values.
    init?(
        socket: String?, watchdogMicroseconds: String?, watchdogProcess: String?,
        storeCapacity: String? = nil
    ) throws(SystemError) {
        guard let socket else { return nil }
        address = try UnixAddress(socket)
        let isForUs = watchdogProcess.map { Int32($0) == getpid() } ?? true
        let interval = watchdogMicroseconds.flatMap { Int64($0) } ?? 0
        watchdog = isForUs && interval > 0 ? .microseconds(interval) : nil
        self.storeCapacity = storeCapacity.flatMap { Int($0) } ?? 0
    }

    /// Says something, such as `READY=1`, without waiting.
    ///
    /// - Throws: `SystemError` when the manager cannot be reached; the service goes on without.
    public func notify(_ lines: [String]) throws(SystemError) {
        let socket = try UnixSocket.connect(to: address, kind: .datagrams)
        // SAFETY: bytes have no padding that could be uninitialised.
        _ = try socket.send(unsafe Self.message(lines).span.bytes)
    }

    /// The socket that it listens at, for messages that may not be lost.
    func connect() throws(SystemError) -> MessageSocket {
        try MessageSocket(UnixSocket.connect(to: address, kind: .datagrams))
    }

    static func message(_ lines: [String]) -> [UInt8] {
        // A line feed in a value would begin another line, and say something else.
        let text = lines.map { $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
        return Array(text.joined(separator: "\n").utf8)
    }
}

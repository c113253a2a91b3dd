// SAFETY of the whole file: C strings live for the calls, and reads and writes stay within arrays and spans
// of the lengths that are passed with them.

internal import CLinuxIO
internal import Glibc

/// A TAP device: a network interface of the kernel's whose other end is this program.
///
/// It takes the right to change the network (CAP_NET_ADMIN). The interface goes with its last descriptor,
/// unless it was made to stay. Source: Linux, Documentation/networking/tuntap.rst.
public struct TapDevice: ~Copyable, Sendable {
    /// The descriptor, for a poller.
    public let descriptor: OwnedDescriptor
    /// The interface's name.
    public let name: String

    /// The most bytes of an interface's name.
    public static let longestName = 15

    /// Opens an interface by its name, and makes it where there is none.
    ///
    /// - Parameter name: 1 to 15 bytes; with `%d` in it the kernel chooses a number.
    /// - Throws: `SystemError`; EPERM without the right to, EBUSY when another program has it, EINVAL when
    ///   it is no TAP device, ENOENT where the kernel has none.
    public init(_ name: String) throws(SystemError) {
        guard (1...Self.longestName).contains(name.utf8.count), !name.utf8.contains(0) else {
            throw SystemError(code: EINVAL, operation: "open the TAP device", subject: name)
        }
        var actual = [CChar](repeating: 0, count: 17)
        descriptor = OwnedDescriptor(
            adopting: try systemCall("open the TAP device", name) {
                unsafe clinuxio_open_tap(name, &actual)
            })
        self.name = String(
            decoding: actual.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Takes a frame that the kernel sends.
    ///
    /// - Returns: its length; nil when there is none. A frame longer than the buffer is cut.
    public borrowing func receive(into buffer: inout [UInt8]) throws(SystemError) -> Int? {
        while true {
            let count = unsafe read(descriptor.rawValue, &buffer, buffer.count)
            if count >= 0 { return count }
            if errno == EAGAIN { return nil }
            if errno != EINTR { throw SystemError("read from the TAP device", name) }
        }
    }

    /// Gives the kernel a frame.
    ///
    /// - Returns: false when it does not take it: the interface is down, or its queue is full.
    public borrowing func send(_ frame: RawSpan) -> Bool {
        unsafe frame.withUnsafeBytes {
            unsafe write(descriptor.rawValue, $0.baseAddress, $0.count) == $0.count
        }
    }

    /// Blocks the calling thread until there is a frame or the time has passed.
    ///
    /// - Returns: whether there may be one.
    public borrowing func wait(milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&watched, 1, milliseconds) != 0
    }
}

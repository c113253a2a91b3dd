internal import CLinuxIO
internal import Glibc

/// A file descriptor with exactly one owner; it is closed when its owner lets go of it.
///
/// Descriptors received from a peer become owned in the function that receives them, so that no
/// error path can leak one.
public struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for a system call made while the owner lives. Never store it.
    public private(set) var rawValue: Int32
    /// Who closes it; nil where its owner does, in letting go of it.
    let disposal: Disposal?

    /// Takes ownership of an open descriptor.
    ///
    /// - Parameter disposal: closes it; nil closes it where its owner lets go of it.
    public init(adopting rawValue: Int32, disposal: Disposal? = nil) {
        precondition(rawValue >= 0, "a negative number is no descriptor")
        self.rawValue = rawValue
        self.disposal = disposal
    }

    deinit {
        if rawValue < 0 { return }
        if let disposal { disposal.close(rawValue) } else { Self.close(rawValue) }
    }

    static func close(_ number: Int32) {
        // The kernel frees the number even where close reports an error; trying again could close another's.
        _ = Glibc.close(number)
    }

    /// The same, which a disposal closes.
    public consuming func closed(by disposal: Disposal?) -> OwnedDescriptor {
        OwnedDescriptor(adopting: release(), disposal: disposal)
    }

    /// Gives the number away without closing it; the caller closes it.
    public consuming func release() -> Int32 {
        let number = rawValue
        // None any more.
        rawValue = -1
        return number
    }

    /// A second descriptor of the same open file, close-on-exec, which is closed as this one is.
    public borrowing func duplicate() throws(SystemError) -> OwnedDescriptor {
        try Self.duplicate(of: rawValue, disposal: disposal)
    }

    /// A second descriptor of the file that is open under a number, which somebody holds meanwhile.
    ///
    /// - Parameter first: the least number that it may have.
    static func duplicate(
        of number: Int32, from first: Int32 = 0, disposal: Disposal? = nil
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            adopting: try systemCall("duplicate a descriptor") {
                fcntl(number, F_DUPFD_CLOEXEC, first)
            }, disposal: disposal)
    }

    /// What fstat(2) says of the open file.
    public borrowing func status() throws(SystemError) -> FileStatus {
        var result = stat()
        let number = rawValue
        // SAFETY: fstat writes one `stat`, which lives on this frame.
        try systemCall("read the status of a descriptor") { unsafe fstat(number, &result) }
        return FileStatus(result)
    }

    /// Sets or clears O_NONBLOCK on the open file.
    public borrowing func setNonblocking(_ nonblocking: Bool) throws(SystemError) {
        let number = rawValue
        let flags = try systemCall("read descriptor flags") { fcntl(number, F_GETFL) }
        let wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        try systemCall("set descriptor flags") { fcntl(number, F_SETFL, wanted) }
    }

    /// The name behind the descriptor, as /proc shows it to the calling thread, which may have descriptors
    /// of its own ("anon_inode:[eventfd]").
    public borrowing func target() throws(SystemError) -> String {
        let number = rawValue
        var bytes = [UInt8](repeating: 0, count: 4096)
        // SAFETY: readlink writes at most the buffer's length and the result says how much.
        let length = try systemCall("read the link of a descriptor") {
            unsafe readlink("/proc/thread-self/fd/\(number)", &bytes, bytes.count)
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }
}

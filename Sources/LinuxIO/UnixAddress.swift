internal import CLinuxIO
internal import Glibc

/// The address of a UNIX-domain socket: a path, or a name in the abstract namespace.
///
/// Source: unix(7).
public struct UnixAddress: Hashable, Sendable, CustomStringConvertible {
    /// The longest path or abstract name in bytes: `sun_path` has 108, one of which is the NUL.
    public static let longestName = 107

    /// The path, or the abstract name without its leading NUL.
    public let name: String
    /// Whether the name stands in the abstract namespace of the network namespace.
    public let isAbstract: Bool

    /// The address of a socket file.
    ///
    /// - Throws: `SystemError` with ENAMETOOLONG over 107 bytes, EINVAL for an empty path or one with a NUL.
    public init(path: String) throws(SystemError) {
        try self.init(name: path, isAbstract: false)
    }

    /// An address in the abstract namespace.
    ///
    /// - Throws: as `init(path:)`.
    public init(abstract name: String) throws(SystemError) {
        try self.init(name: name, isAbstract: true)
    }

    /// Reads a spelling in which a leading `@` marks an abstract name, as memif's and libvirt's tools do.
    public init(_ spelling: String) throws(SystemError) {
        if spelling.hasPrefix("@") {
            try self.init(abstract: String(spelling.dropFirst()))
        } else {
            try self.init(path: spelling)
        }
    }

    private init(name: String, isAbstract: Bool) throws(SystemError) {
        let length = name.utf8.count
        if length > Self.longestName {
            throw SystemError(
                code: ENAMETOOLONG,
                operation: "use a socket address of \(length) bytes (at most \(Self.longestName))",
                subject: name)
        }
        if length == 0 || name.utf8.contains(0) {
            throw SystemError(
                code: EINVAL, operation: "use an empty socket address or one with a NUL",
                subject: name)
        }
        self.name = name
        self.isAbstract = isAbstract
    }

    /// The path, or `@` and the abstract name.
    public var description: String { isAbstract ? "@\(name)" : name }

    /// Runs a call that takes a `sockaddr` and its length.
    func withSocketAddress<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let start = isAbstract ? 1 : 0
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { path in
            for (index, byte) in name.utf8.enumerated() { unsafe path[start + index] = byte }
        }
        let header = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
        let length = socklen_t(header + name.utf8.count + 1)
        // SAFETY: sockaddr_un begins like sockaddr, and the length stays within it (name is bounded).
        return unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                unsafe body(generic, length)
            }
        }
    }
}

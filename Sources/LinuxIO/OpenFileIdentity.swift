internal import Glibc

/// What an open file is known by: two descriptors that have it in common may stand for each other.
public struct OpenFileIdentity: Hashable, Sendable {
    let file: FileIdentity
    /// All eventfds are one file; this tells them apart.
    let eventCounter: String?
    /// Whether it was opened for reading, for writing, or for both.
    let access: Int32
}

extension OwnedDescriptor {
    /// What the open file behind this descriptor is known by.
    ///
    /// Source: proc(5), `/proc/pid/fdinfo`.
    ///
    /// - Returns: nil where the system does not tell.
    /// - Throws: `SystemError` where it cannot be asked.
    public borrowing func openFileIdentity() throws(SystemError) -> OpenFileIdentity? {
        let number = rawValue
        // No more of them: whoever else has the open file may change O_NONBLOCK and its like at any moment, and
        // one file would seem to be two.
        let access =
            try systemCall("read descriptor flags") { fcntl(number, F_GETFL) } & O_ACCMODE
        let file = try status().identity
        let target = try target()
        guard target.hasPrefix("anon_inode:") else {
            return OpenFileIdentity(file: file, eventCounter: nil, access: access)
        }
        let bytes = try File.read("/proc/thread-self/fdinfo/\(number)", limit: 4096)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard let line = lines.first(where: { $0.hasPrefix("eventfd-id:") }) else { return nil }
        return OpenFileIdentity(file: file, eventCounter: String(line), access: access)
    }
}

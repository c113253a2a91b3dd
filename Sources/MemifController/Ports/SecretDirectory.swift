internal import LinuxIO

/// The secrets of this host that ports refer to by name: one file each, readable for the daemon alone.
struct SecretDirectory: Sendable {
    let path: String

    /// The most bytes in a secret. Source: memif's INIT message.
    static let longestSecret = 24

    /// Reads a secret; a line feed at the file's end is no part of it.
    func secret(named name: String) throws(PortError) -> [UInt8] {
        let file = "\(path)/\(name)"
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(file, limit: Self.longestSecret + 1)
        } catch {
            throw PortError(
                reason: "the secret '\(name)' cannot be read: \(error)",
                remedy: "put it into \(file), readable for the daemon, or remove secret-ref")
        }
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        let isText = String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
        guard (1...Self.longestSecret).contains(bytes.count), isText else {
            throw PortError(
                reason:
                    "the secret '\(name)' in \(file) is not text of 1 to \(Self.longestSecret) bytes",
                remedy: "write it there, followed by at most one line feed")
        }
        return bytes
    }
}

internal import LinuxIO

/// What a port's peer has to know.
public struct PortSecret: Hashable, Sendable, CustomStringConvertible {
    /// What is to be shown.
    public var present: [UInt8]
    /// What is right as well, while the other takes its place.
    public var former: [UInt8]?

    /// Makes one.
    public init(present: [UInt8], former: [UInt8]? = nil) {
        self.present = present
        self.former = former
    }

    /// Never the secret itself.
    public var description: String { "(secret)" }
}

/// The secrets of this host that ports refer to by name: one file each, readable for the daemon alone.
///
/// A file has one line: the secret. While it changes it has two, of which peers may show either: the new one,
/// and below it the former.
struct SecretDirectory: Sendable {
    let path: String

    /// The most bytes in a secret. Source: memif's INIT message.
    static let longestSecret = 24

    /// Reads a secret; a line feed at the file's end is no part of it.
    func secret(named name: String) throws(PortError) -> PortSecret {
        let file = "\(path)/\(name)"
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(file, limit: 2 * (Self.longestSecret + 1))
        } catch {
            throw PortError(
                reason: "the secret '\(name)' cannot be read: \(error)",
                remedy: "put it into \(file), readable for the daemon, or remove secret-ref")
        }
        let lineFeed = UInt8(ascii: "\n")
        if bytes.last == lineFeed { bytes.removeLast() }
        let lines = bytes.split(separator: lineFeed, omittingEmptySubsequences: false)
        guard lines.count <= 2, lines.allSatisfy(Self.isSecret), let present = lines.first else {
            throw PortError(
                reason: "the secret '\(name)' in \(file) is not text of 1 to "
                    + "\(Self.longestSecret) bytes",
                remedy: "write it there, in one line; below it the former one while both are to do")
        }
        return PortSecret(
            present: Array(present), former: lines.count == 2 ? Array(lines[1]) : nil)
    }

    private static func isSecret(_ line: ArraySlice<UInt8>) -> Bool {
        (1...longestSecret).contains(line.count) && !line.contains(0)
            && String(validating: line, as: UTF8.self) != nil
    }
}

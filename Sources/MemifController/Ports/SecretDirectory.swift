internal import LinuxIO

/// What a port's peer has to know.
public struct PortSecret: Hashable, Sendable, CustomStringConvertible {
    /// What is to be shown.
    public var present: [UInt8]
    /// What is right as well, while the other takes its place.
    public var former: [UInt8]?

    /// The most bytes in one. Source: memif's INIT message.
    public static let longest = 24
    /// The most bytes in the file of one.
    public static let longestFile = 2 * (longest + 1)

    /// Makes one.
    public init(present: [UInt8], former: [UInt8]? = nil) {
        self.present = present
        self.former = former
    }

    /// Reads what stands in a secret's file: one line, or the new secret and below it the former; a line feed
    /// at the end is no part of it. Nil where that is not text of 1 to ``longest`` bytes in each line.
    public init?(file bytes: [UInt8]) {
        let lineFeed = UInt8(ascii: "\n")
        let text = bytes.last == lineFeed ? bytes.dropLast() : bytes[...]
        let lines = text.split(separator: lineFeed, omittingEmptySubsequences: false)
        guard lines.count <= 2, lines.allSatisfy(Self.isSecret), let present = lines.first else {
            return nil
        }
        self.init(present: Array(present), former: lines.count == 2 ? Array(lines[1]) : nil)
    }

    private static func isSecret(_ line: ArraySlice<UInt8>) -> Bool {
        (1...longest).contains(line.count) && !line.contains(0)
            && String(validating: line, as: UTF8.self) != nil
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

    /// Reads a secret.
    func secret(named name: String) throws(PortError) -> PortSecret {
        let file = "\(path)/\(name)"
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read(file, limit: PortSecret.longestFile)
        } catch {
            throw PortError(
                reason: "the secret '\(name)' cannot be read: \(error)",
                remedy: "put it into \(file), readable for the daemon, or remove secret-ref")
        }
        guard let secret = PortSecret(file: bytes) else {
            throw PortError(
                reason: "the secret '\(name)' in \(file) is not text of 1 to "
                    + "\(PortSecret.longest) bytes",
                remedy: "write it there, in one line; below it the former one while both are to do")
        }
        return secret
    }
}

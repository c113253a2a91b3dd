import Foundation
import LinuxIO

/// A directory of the test's own with a short path, removed when the test lets go of it.
final class TemporaryDirectory: Sendable {
    let path: String

    init() throws {
        let name = "memif-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        path = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// A path in it.
    func path(_ name: String) -> String { path + "/" + name }

    /// The address of a socket in it.
    func address(_ name: String = "m.sock") throws -> UnixAddress {
        try UnixAddress(path: path(name))
    }
}

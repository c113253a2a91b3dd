import Glibc
import LinuxIO
import MemifController
import Testing

/// A directory of a test's own, short enough for sockets, that goes with it.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = "/tmp/vw\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
        try Directory.ensure(path, mode: 0o755)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let status = try? FileStatus(path: path) else { return }
        if status.isDirectory {
            for name in (try? Directory.entries(of: path)) ?? [] { remove("\(path)/\(name)") }
            _ = try? Directory.remove(path)
        } else {
            _ = try? File.remove(path)
        }
    }

    /// A host whose directories lie here, with short times.
    var configuration: HostConfiguration {
        var configuration = HostConfiguration()
        configuration.runtimeDirectory = "\(path)/run"
        configuration.stateDirectory = "\(path)/state"
        configuration.secretsDirectory = "\(path)/secrets"
        configuration.orphanGrace = .milliseconds(100)
        configuration.pollInterval = .milliseconds(100)
        return configuration
    }
}

/// Waits until something is so.
///
/// - Returns: whether it became so in time; the test's `#expect` says the rest.
func eventually(
    within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        // The condition is what is waited for; this only keeps the wait from spinning.
        try? await Task.sleep(for: .milliseconds(2))
    }
    return try await condition()
}

import LinuxIO
import Memif
import MemifTesting
import Testing

extension MemifInterface {
    /// The next link of a slave of ours with a testpmd, or with another in its place.
    ///
    /// When a link ends, testpmd unmaps the rings though its forwarding thread may be using them, and
    /// crashes now and then: on a busy machine more often.
    func nextLink(
        after old: MemifLink? = nil, _ testpmd: inout Testpmd, _ options: Testpmd.Options
    ) async throws -> MemifLink {
        try await eventually(within: .seconds(120), "there is another link") {
            if let next = link, next !== old, next.isUp { return true }
            if !testpmd.isRunning {
                // It does not replace what its predecessor left behind.
                _ = try? File.remove(options.path)
                testpmd = try await Testpmd(options)
            }
            return false
        }
        return try unwrap(link)
    }
}

internal import LinuxIO
internal import Synchronization

/// Whether the host is being drained: a file's existence, so that the next daemon goes on with it.
final class DrainMark: Sendable {
    private let path: String
    private let standing: Mutex<Bool>

    init(_ layout: RuntimeLayout) {
        path = layout.drainMark
        standing = Mutex(File.exists(layout.drainMark))
    }

    var isSet: Bool { standing.withLock(\.self) }

    /// Looks whether another process has set the mark or taken it away.
    func readAgain() { standing.withLock { $0 = File.exists(path) } }

    /// Sets the mark or takes it away: on disk before this returns, and not at all when it throws.
    func set(_ isSet: Bool) throws(PortError) {
        try standing.withLock { (standing) throws(PortError) in
            do throws(SystemError) {
                if isSet { try File.replace(path, with: []) } else { try File.remove(path) }
            } catch {
                throw PortError(
                    reason: "whether the host is drained cannot be kept over a restart: \(error)",
                    remedy: "make room on the state directory's disk, and the directory writable")
            }
            standing = isSet
        }
    }
}

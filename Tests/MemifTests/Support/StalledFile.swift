import CountedAllocations
import LinuxIO
import Synchronization

/// A file whose server answers nothing: whoever closes it or asks for its size waits, until ``spring()`` or
/// for two minutes.
///
/// One at a time, in a process of its own that starts no program meanwhile.
final class StalledFile: Sendable {
    /// Its number, to be passed on.
    let rawValue: Int32
    private let server: Mutex<OwnedDescriptor?>
    private let file: Mutex<OwnedDescriptor?>

    /// - Throws: `SystemError` where there is no FUSE, or this user may not mount.
    init() throws(SystemError) {
        var server: Int32 = -1
        rawValue = try systemCall("open a file on a FUSE file system, as root") {
            // SAFETY: the call writes one number, which outlives it.
            unsafe stalled_file(&server)
        }
        self.server = Mutex(OwnedDescriptor(adopting: server))
        file = Mutex(OwnedDescriptor(adopting: rawValue))
    }

    deinit { spring() }

    /// Ends its server, and with it the wait of all who wait for it.
    func spring() {
        let server = server.withLock { $0.take() }
        _ = consume server
        // Not before: it would wait as well.
        let file = file.withLock { $0.take() }
        _ = consume file
    }
}

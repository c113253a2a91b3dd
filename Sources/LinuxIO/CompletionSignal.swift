internal import CLinuxIO
internal import Glibc

/// Raises eventfds that others hold too, without ever waiting.
///
/// A write to an eventfd waits where the counter is full and O_NONBLOCK is not set, and both are in the
/// hands of everyone who has the same one open: whatever is asked before the write may have changed by
/// then, and RWF_NOWAIT the kernel refuses. But where a read was submitted with an eventfd to be told by
/// (io_submit(2), IOCB_FLAG_RESFD), the kernel adds one itself when the read ends; a full counter
/// stays full then. So we read nothing, from an empty file of our own, which ends at once.
final class CompletionSignal: Sendable {
    /// One for the whole process; nil where the kernel grants none: fs.aio-max-nr is used up, or
    /// a filter of system calls forbids it.
    static let shared = try? CompletionSignal()

    private let context: UInt64
    private let file: OwnedDescriptor

    private init() throws(SystemError) {
        file = try OwnedDescriptor.memoryFile(name: "nothing to read", byteCount: 0)
        var context: UInt64 = 0
        // SAFETY: the number on this frame outlives the call.
        try systemCall("have reads completed") { unsafe clinuxio_setup_completions(64, &context) }
        self.context = context
    }

    /// Adds one to an eventfd.
    ///
    /// - Returns: false when that cannot be had.
    func raise(_ eventfd: Int32) -> Bool {
        for _ in 0..<4 {
            if clinuxio_complete_to_eventfd(context, file.rawValue, eventfd) == 1 { return true }
            // Full of ends that nobody has taken out: every few hundred times.
            guard errno == EAGAIN, clinuxio_take_completions(context) >= 0 else { return false }
        }
        return false
    }
}

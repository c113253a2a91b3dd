internal import CLinuxIO
internal import Glibc

/// An eventfd: a counter that another thread, process or the kernel raises, and that can be polled.
///
/// Source: eventfd(2).
public struct EventCounter: ~Copyable, Sendable {
    /// The descriptor, for a poller or to pass on.
    public let descriptor: OwnedDescriptor

    /// A new counter, non-blocking, close-on-exec.
    ///
    /// - Parameters:
    ///   - value: what it begins with.
    ///   - isSemaphore: whether each read takes one (EFD_SEMAPHORE) and not all.
    public init(value: UInt32 = 0, isSemaphore: Bool = false) throws(SystemError) {
        let semaphore = isSemaphore ? Int32(EFD_SEMAPHORE) : 0
        descriptor = OwnedDescriptor(
            adopting: try systemCall("create an eventfd") {
                eventfd(value, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK) | semaphore)
            })
    }

    /// Takes over an eventfd that a peer passed.
    ///
    /// - Throws: `SystemError` with EINVAL for a descriptor that is not an eventfd: a pipe without a
    ///   reader would answer a write with SIGPIPE.
    public init(adopting descriptor: consuming OwnedDescriptor) throws(SystemError) {
        let target = try descriptor.target()
        guard target.hasPrefix("anon_inode:[eventfd") else {
            throw SystemError(code: EINVAL, operation: "use as an eventfd", subject: target)
        }
        self.descriptor = descriptor
    }

    /// Finds out whether each read takes one and not all, by raising it twice: such a counter can be
    /// raised so far that nobody ever empties it. What was there before is kept.
    public borrowing func isSemaphore() -> Bool {
        signal()
        signal()
        let value = drain()
        if value > 2 { signal() }
        return value == 1
    }

    /// Adds one and wakes who polls it, without ever blocking. A saturated counter stays as it is: its
    /// reader is awake already.
    ///
    /// A peer that holds the same eventfd may clear O_NONBLOCK and fill the counter at any moment, so
    /// it is the kernel that adds, and no write: see `CompletionSignal`.
    public borrowing func signal() {
        if CompletionSignal.shared?.raise(descriptor.rawValue) == true { return }
        guard !isFull else { return }
        raise()
    }

    /// As ``signal()``, unless it is raised already: then its reader, who has yet to empty it, will look
    /// for what it is told of after that.
    ///
    /// - Returns: whether it was raised here.
    @discardableResult
    public borrowing func wake() -> Bool {
        if poll(for: POLLIN) { return false }
        signal()
        return true
    }

    /// As ``signal()``, of a counter that was never passed to anybody: it cannot block.
    borrowing func raise() {
        var one: UInt64 = 1
        // SAFETY: eight bytes from this frame, as eventfd wants.
        _ = unsafe write(descriptor.rawValue, &one, 8)
    }

    /// Whether a write would have to wait.
    private var isFull: Bool { !poll(for: POLLOUT) }

    private borrowing func poll(for event: Int32) -> Bool {
        var watched = pollfd(fd: descriptor.rawValue, events: Int16(event), revents: 0)
        // SAFETY: one element on this frame; nothing waits.
        return unsafe Glibc.poll(&watched, 1, 0) == 1
    }

    /// Blocks the calling thread until it is raised or the time has passed.
    ///
    /// - Parameter milliseconds: how long at most; -1 waits without end.
    /// - Returns: whether it is raised. It stays so until `drain`.
    public borrowing func wait(milliseconds: Int32) -> Bool {
        var watched = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        // SAFETY: one element on this frame. An interrupted wait ends early, as a raised one does.
        return unsafe Glibc.poll(&watched, 1, milliseconds) != 0
    }

    /// Sets it to zero, without ever blocking, and returns what it was.
    @discardableResult
    public borrowing func drain() -> UInt64 {
        var value: UInt64 = 0
        // SAFETY: eight bytes on this frame, as eventfd wants.
        return unsafe clinuxio_read_eventfd(descriptor.rawValue, &value) == 8 ? value : 0
    }
}

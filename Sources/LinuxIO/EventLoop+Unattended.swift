extension EventLoop {
    /// A loop without a thread of its own, for programs that have an event loop already: they poll
    /// `descriptor` for reading, and call `runReady` whenever it is readable.
    public static func unattended() throws(SystemError) -> EventLoop {
        try EventLoop(AlarmClock())
    }

    /// The one descriptor that stands for all that the loop waits for, its timers included: an epoll
    /// set, which can be polled as any other. Nothing is to be read from it.
    public var descriptor: OwnedDescriptor { _read { yield poller.descriptor } }

    /// Runs the handlers, timers and work that are ready now, on the calling thread, and waits for
    /// none. One thread at a time. After `stop` it lets go of all of them.
    ///
    /// - Throws: `SystemError` when the kernel refuses what it never does for descriptors of ours.
    public func runReady() throws(SystemError) {
        try turn()
    }
}

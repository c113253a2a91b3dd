internal import Glibc

/// Signals taken as events on a thread of their own, where any code may run.
public enum Signals {
    /// Blocks signals in the calling thread and in those started from now on, and waits for them on
    /// a thread: call it first thing in a program's main.
    ///
    /// - Parameters:
    ///   - signals: such as SIGTERM.
    ///   - body: called with each that arrives, one at a time.
    /// - Throws: `SystemError` when the system has no room for another thread.
    public static func handle(
        _ signals: [Int32], _ body: @escaping @Sendable (Int32) -> Void
    ) throws(SystemError) {
        var set = sigset_t()
        // SAFETY: the set is this frame's, and the system only reads and writes it during each call.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        let waited = set
        try Thread.start(name: "signals") {
            var set = waited
            while true {
                var signal: Int32 = 0
                // SAFETY: as above.
                if unsafe sigwait(&set, &signal) == 0 { body(signal) }
            }
        }
    }

    /// Makes a write to a pipe that nobody reads an error (EPIPE) instead of the program's end.
    public static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}

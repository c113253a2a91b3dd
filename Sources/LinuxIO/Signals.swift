internal import CLinuxIO
internal import Glibc

/// Signals taken as events on a thread of their own, where any code may run.
public enum Signals {
    /// Catches signals for as long as the program runs. To be called once.
    ///
    /// - Parameters:
    ///   - signals: such as SIGTERM.
    ///   - body: called with each that arrives, one at a time.
    /// - Throws: `SystemError` when a signal cannot be caught, or there is no room for a thread.
    public static func handle(
        _ signals: [Int32], _ body: @escaping @Sendable (Int32) -> Void
    ) throws(SystemError) {
        let pipe = try systemCall("catch signals") {
            // SAFETY: the numbers are read during the call only.
            unsafe clinuxio_catch_signals(signals, signals.count)
        }
        try Thread.start(name: "signals") {
            var number: UInt8 = 0
            while true {
                // SAFETY: one byte into this frame. Nobody closes the pipe, so it never ends.
                if unsafe read(pipe, &number, 1) == 1 { body(Int32(number)) }
            }
        }
    }

    /// Makes a write to a pipe that nobody reads an error (EPIPE) instead of the program's end.
    public static func ignoreBrokenPipes() {
        _ = signal(SIGPIPE, SIG_IGN)
    }
}

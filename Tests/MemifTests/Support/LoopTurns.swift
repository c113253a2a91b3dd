import Glibc
import LinuxIO

/// For tests that are an unattended loop's thread.
extension EventLoop {
    /// Does what there is to do, within 2 milliseconds.
    func turn() throws {
        var watched = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        // SAFETY: one element on this frame.
        _ = unsafe poll(&watched, 1, 2)
        try runReady()
    }

    /// Does what there is to do until something holds.
    func turn(until what: String, _ condition: () throws -> Bool) throws {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let isLast = ContinuousClock.now >= end
            if try condition() { return }
            if isLast { throw Scarcity("gave up waiting until \(what)") }
            try turn()
        }
    }
}

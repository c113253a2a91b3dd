internal import LinuxIO
internal import Logging
internal import Synchronization

/// The log's lines about peers, which come from the thread that serves them all: they are written on another,
/// because whoever keeps the log may be slow, and where that one is too slow some are left out.
final class PeerLog: Sendable {
    /// A line, and the logger that it goes to.
    struct Line: CountedLine, Sendable {
        var logger: Logger
        var level: Logger.Level
        var message: Logger.Message
        var metadata: Logger.Metadata
        var unwritten: Int?

        fileprivate func write() {
            var metadata = metadata
            if let unwritten, unwritten > 0 { metadata["unwritten"] = "\(unwritten)" }
            logger.log(level: level, message, metadata: metadata)
        }
    }

    private let backlog = Mutex(LineBacklog<Line>())

    /// Waits until no line does, for whoever is about to end; for so long only, as whoever keeps the log may take
    /// none.
    func flush(until deadline: ContinuousClock.Instant) async {
        _ = await wait(until: deadline) { !backlog.withLock(\.isBeingWritten) }
    }

    /// Adds a line, soon, in the order in which they come.
    ///
    /// - Parameter unwritten: how many lines are missing before this one.
    func note(
        _ message: Logger.Message, at level: Logger.Level, by logger: Logger,
        unwritten: Int = 0, _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level else { return }
        let line = Line(
            logger: logger, level: level, message: message, metadata: metadata(),
            unwritten: unwritten)
        let isFirst = backlog.withLock { $0.add(line) }
        guard isFirst else { return }
        Task(executorPreference: WaitingThreads.shared) {
            while let line = self.backlog.withLock({ $0.next() }) { line.write() }
        }
    }
}

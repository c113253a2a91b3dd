internal import ArgumentParser
internal import Logging
internal import Synchronization

/// How much is logged.
enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, notice, warning, error

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// How much is logged at the moment, for all loggers together.
final class LogThreshold: Sendable {
    private let current: Mutex<Logger.Level>

    init(_ level: LogLevel) { current = Mutex(level.level) }

    /// May be changed at any time, and holds from the next line on.
    var level: Logger.Level {
        get { current.withLock(\.self) }
        set { current.withLock { $0 = newValue } }
    }

    /// Sets the level, and gives the one before.
    func exchange(_ level: Logger.Level) -> Logger.Level {
        current.withLock { current in
            defer { current = level }
            return current
        }
    }

    /// A logger to standard error, one line for each change.
    var logger: Logger { Logger(label: "virtwired") { ThresholdHandler($0, self) } }
}

/// Writes to standard error what reaches the common threshold.
private struct ThresholdHandler: LogHandler {
    private var lines: StreamLogHandler
    private let threshold: LogThreshold

    init(_ label: String, _ threshold: LogThreshold) {
        lines = .standardError(label: label)
        lines.logLevel = .trace
        self.threshold = threshold
    }

    var logLevel: Logger.Level {
        get { threshold.level }
        set { threshold.level = newValue }
    }

    var metadata: Logger.Metadata {
        get { lines.metadata }
        set { lines.metadata = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { lines[metadataKey: key] }
        set { lines[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) { lines.log(event: event) }
}

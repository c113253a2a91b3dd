internal import ArgumentParser
internal import Logging
internal import Synchronization

/// How much is logged.
enum LogLevel: String, CaseIterable, ExpressibleByArgument {
    case trace, debug, info, notice, warning, error

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

/// How a line of the log is written.
enum LogFormat: String, CaseIterable, ExpressibleByArgument {
    /// For people.
    case text
    /// For programs: one object of JSON a line.
    case json
}

/// How much is logged at the moment, for all loggers together.
final class LogThreshold: Sendable {
    private let current: Mutex<Logger.Level>
    private let format: LogFormat

    init(_ level: LogLevel, _ format: LogFormat = .text) {
        current = Mutex(level.level)
        self.format = format
    }

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
    var logger: Logger {
        Logger(label: "virtwired") { label in
            switch format {
            case .text:
                var lines = StreamLogHandler.standardError(label: label)
                lines.logLevel = .trace
                return ThresholdHandler(lines: lines, threshold: self)
            case .json: return ThresholdHandler(lines: JSONLogHandler(), threshold: self)
            }
        }
    }
}

/// Passes on what reaches the common threshold.
private struct ThresholdHandler<Lines: LogHandler>: LogHandler {
    var lines: Lines
    let threshold: LogThreshold

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

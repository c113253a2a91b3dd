internal import Foundation
internal import LinuxIO

/// How lines of the audit log are written.
enum AuditText {
    /// The present, as RFC 3339 has it.
    static var now: String {
        Date.now.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// An object on one line; nil when it cannot be written down.
    static func line(_ value: some Encodable) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// What a process calls itself.
enum ProcessName {
    /// Nil when there is no such process any more. Whoever has ended may have left the number to another.
    ///
    /// Source: proc(5), `/proc/pid/comm`.
    static func of(_ process: Int32) -> String? {
        guard process > 0, let bytes = try? File.read("/proc/\(process)/comm", limit: 64) else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map {
            String($0).printable
        }
    }
}

/// How many lines about refusals are written: some at once, and then no more until the minute is over.
struct RefusalBudget {
    /// Lines of one minute.
    static let most = 60

    private var start: ContinuousClock.Instant?
    private var count = 0
    private var unwritten = 0

    /// Takes one.
    ///
    /// - Returns: how many had none since the last that had one; nil when this one is to have none.
    mutating func spend(now: ContinuousClock.Instant) -> Int? {
        if start.map({ now - $0 >= .seconds(60) }) ?? true {
            start = now
            count = 0
        }
        guard count < Self.most else {
            unwritten += 1
            return nil
        }
        count += 1
        defer { unwritten = 0 }
        return unwritten
    }
}

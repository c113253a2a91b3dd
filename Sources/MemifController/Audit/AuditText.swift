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

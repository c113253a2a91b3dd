package import Foundation
internal import LinuxIO

/// Moments as they are written out.
package enum Moment {
    /// As RFC 3339 has it, in UTC, such as `2026-01-31T12:00:00.000Z`. What is below a millisecond is cut off.
    package static func text(_ date: Date = .now) -> String {
        text(Int((date.timeIntervalSince1970 * 1000).rounded(.down)))
    }

    /// As RFC 3339 has it; nil for 0, which is no moment.
    ///
    /// - Parameter milliseconds: since 1970; the year 9999 ends what can be written.
    package static func text(milliseconds: UInt64) -> String? {
        milliseconds == 0 ? nil : text(Int(min(milliseconds, 253_402_300_799_999)))
    }

    // Not Foundation's style for this, which brings time zones and calendars in with its first use: 4 MiB.
    private static func text(_ milliseconds: Int) -> String {
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        let time = SystemClock.UTC(secondsSince1970: seconds)
        let date = "\(padded(time.year, 4))-\(padded(time.month, 2))-\(padded(time.day, 2))"
        let clock = "\(padded(time.hour, 2)):\(padded(time.minute, 2)):\(padded(time.second, 2))"
        return "\(date)T\(clock).\(padded(rest, 3))Z"
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// How long ago a moment was, in its largest unit: `12s`, `5m`, `3h`, `8d`; empty for 0.
    package static func age(milliseconds: UInt64, now: Date = .now) -> String {
        if milliseconds == 0 { return "" }
        let seconds = max(0, Int(now.timeIntervalSince1970 - Double(milliseconds) / 1000))
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m"
        case ..<(48 * 3600): "\(seconds / 3600)h"
        default: "\(seconds / (24 * 3600))d"
        }
    }
}

package import Foundation

/// Moments as they are written out.
package enum Moment {
    /// As RFC 3339 has it, in UTC, such as `2026-01-31T12:00:00.000Z`.
    package static func text(_ date: Date = .now) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// As RFC 3339 has it; nil for 0, which is no moment.
    ///
    /// - Parameter milliseconds: since 1970.
    package static func text(milliseconds: UInt64) -> String? {
        if milliseconds == 0 { return nil }
        // What is below a millisecond is cut off, and not every number of them has a binary fraction.
        return text(Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000))
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

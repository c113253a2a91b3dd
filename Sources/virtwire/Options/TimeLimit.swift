internal import ArgumentParser

/// Checks times that are given on a command line.
enum TimeLimit {
    /// In seconds, some thirty years: clocks can add it to any time that they know.
    private static let longest = 1_000_000_000.0

    /// Refuses what is no time, or one that no clock can count.
    static func check(_ seconds: Double?, _ option: String) throws(ValidationError) {
        guard let seconds else { return }
        guard seconds > 0, seconds <= longest else {
            throw ValidationError("\(option) is more than 0 seconds, and at most 1000000000")
        }
    }
}

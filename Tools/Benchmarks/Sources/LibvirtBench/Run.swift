import Foundation

/// What one run did, as JSON.
struct Run: CustomStringConvertible {
    let operations: Int
    let seconds: Double
    /// User and system time of this process.
    let cpuSeconds: Double

    var description: String {
        String(
            format: #"{"operations":%d,"seconds":%.4f,"cpu_seconds":%.4f}"#, operations, seconds,
            cpuSeconds)
    }
}

/// Knows when it began, by the clock and by this process's CPUs.
struct Stopwatch {
    private let started = ContinuousClock.now
    private let spent = Self.cpuSeconds()

    func stop(_ operations: Int) -> Run {
        Run(
            operations: operations, seconds: (ContinuousClock.now - started) / .seconds(1),
            cpuSeconds: Self.cpuSeconds() - spent)
    }

    private static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

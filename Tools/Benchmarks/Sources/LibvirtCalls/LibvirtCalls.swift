import Foundation
import Libvirt

/// How many calls a second our client makes, and what one costs: beside `Peers/libvirt-calls.c`,
/// which does the same with libvirt's C client and prints the same.
///
/// usage: LibvirtCalls URI CONCURRENCY SECONDS
@main
struct LibvirtCalls {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, let concurrency = Int(arguments[2]), concurrency > 0,
            let seconds = Double(arguments[3])
        else {
            FileHandle.standardError.write(
                Data("usage: LibvirtCalls URI CONCURRENCY SECONDS\n".utf8))
            exit(2)
        }
        let connection = try await Connection.open(arguments[1])
        let spent = cpuSeconds()
        let start = ContinuousClock.now
        let end = start + .seconds(seconds)
        let calls = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<concurrency {
                group.addTask { try await callInALoop(connection, until: end) }
            }
            var calls = 0
            for try await count in group { calls += count }
            return calls
        }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        let cost = cpuSeconds() - spent
        print(
            String(
                format: #"{"calls":%d,"seconds":%.3f,"cpu_seconds":%.3f}"#, calls, elapsed, cost))
        await connection.close()
    }

    /// Makes the smallest call there is, again and again.
    static func callInALoop(
        _ connection: Connection, until end: ContinuousClock.Instant
    ) async throws -> Int {
        var calls = 0
        while ContinuousClock.now < end {
            _ = try await connection.libraryVersion()
            calls += 1
        }
        return calls
    }

    /// User and system time of this process.
    static func cpuSeconds() -> Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double {
            Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
        }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

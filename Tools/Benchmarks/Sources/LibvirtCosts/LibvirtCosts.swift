import CountedCalls
import Libvirt

/// Counts what one call costs the connection's thread beyond its bytes, and fails where that is more than the
/// README states: built for debug, as tests are, it is more.
///
/// A program of its own, because what it counts it also slows down.
///
/// usage: LibvirtCosts URI
@main
struct LibvirtCosts {
    private static let calls = 1000
    private static let mostAllocations = 2.0
    /// It waits, reads and writes.
    private static let mostSystemCalls = 3.0

    static func main() async throws {
        guard CommandLine.arguments.count == 2 else { throw Failure("usage: LibvirtCosts URI") }
        let connection = try await Connection.open(CommandLine.arguments[1])
        let counts = try await withTaskExecutorPreference(connection.executor) {
            try await count(on: connection)
        }
        await connection.close()
        // To a tenth: now and then the daemon pings, or an array grows.
        let allocations = tenths(counts.allocations)
        let systemCalls = tenths(counts.systemCalls)
        print(
            #"{"allocations_per_call": \#(allocations), "#
                + #""system_calls_per_call": \#(systemCalls)}"#)
        // None at all were counted on another thread than the one that works.
        guard 1...mostAllocations ~= allocations, 1...mostSystemCalls ~= systemCalls else {
            throw Failure(
                "a call costs more than \(mostAllocations) allocations and \(mostSystemCalls) system calls, or was not counted"
            )
        }
    }

    /// What calls cost the thread that this runs on, which does all of it.
    private static func count(
        on connection: Connection
    ) async throws -> (allocations: Int, systemCalls: Int) {
        try await call(connection, 100)
        counted_calls_start()
        try await call(connection, calls)
        let allocations = counted_calls_stop().allocations
        counted_system_calls_start()
        try await call(connection, calls)
        return (allocations, counted_system_calls_stop())
    }

    private static func call(_ connection: Connection, _ count: Int) async throws {
        for _ in 0..<count { _ = try await connection.libraryVersion() }
    }

    /// What each call has of a count, to a tenth.
    private static func tenths(_ count: Int) -> Double {
        (Double(count) / Double(calls) * 10).rounded() / 10
    }
}

/// What is wrong.
private struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

import Libvirt

extension LibvirtBench {
    /// Makes the same call from so many tasks: the smallest there is, which measures client and wire
    /// and not the daemon, or one that brings something of each domain.
    static func callAgainAndAgain(
        _ connection: Connection, _ measure: String, concurrency: Int, seconds: Double
    ) async throws -> Run {
        let domains = measure == "xml" ? try await connection.listAllDomains() : []
        let watch = Stopwatch()
        let end = ContinuousClock.now + .seconds(seconds)
        let calls = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<concurrency {
                group.addTask {
                    var calls = 0
                    while ContinuousClock.now < end {
                        switch measure {
                        case "list": _ = try await connection.listAllDomains()
                        case "stats": _ = try await connection.allDomainStats()
                        case "xml": for domain in domains { _ = try await domain.xml() }
                        default: _ = try await connection.libraryVersion()
                        }
                        calls += 1
                    }
                    return calls
                }
            }
            var calls = 0
            for try await count in group { calls += count }
            return calls
        }
        return watch.stop(calls)
    }
}

import Foundation

/// What this process holds, as the kernel counts it.
struct ProcessResources: Equatable {
    var descriptors = 0
    var sharedMappings = 0

    static func current() throws -> ProcessResources {
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        let maps = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8)
        return ProcessResources(
            descriptors: descriptors.count,
            sharedMappings: maps.split(separator: "\n").count { $0.contains("memfd:") })
    }

    /// What it holds once it has stopped changing, or once it is what was hoped for: the last handler
    /// of a loop may still be at work.
    static func settled(like hoped: ProcessResources? = nil) async throws -> ProcessResources {
        let clock = ContinuousClock()
        var last = try current()
        for _ in 0..<100 where last != hoped {
            try await clock.sleep(until: clock.now + .milliseconds(20), tolerance: nil)
            let next = try current()
            if hoped == nil, next == last { return next }
            last = next
        }
        return last
    }
}

import Foundation
import LinuxIO

/// What this process holds, as the kernel counts it.
struct ProcessResources: Equatable {
    /// Without timers: the runtime's clock opens some of its own, whenever it first needs them.
    var descriptors = 0
    var sharedMappings = 0
    var sharedByteCount = 0

    static func current() throws -> ProcessResources {
        let files = FileManager.default
        let descriptors = try files.contentsOfDirectory(atPath: "/proc/self/fd").filter {
            let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
            return target != "anon_inode:[timerfd]"
        }
        // Foundation would read no more than the kernel gives at once.
        let maps = String(decoding: try File.read("/proc/self/maps", limit: 1 << 24), as: UTF8.self)
        let shared = maps.split(separator: "\n").filter { $0.contains("memfd:") }
        return ProcessResources(
            descriptors: descriptors.count, sharedMappings: shared.count,
            sharedByteCount: shared.map(byteCount).reduce(0, +))
    }

    /// The bytes of a mapping, as its line tells: from one address to another.
    private static func byteCount(_ line: Substring) -> Int {
        let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { Int($0, radix: 16) }
        return ends.count == 2 ? ends[1] - ends[0] : 0
    }

    /// What it holds once it has stopped changing, or once it is what was hoped for: the last handler
    /// of a loop may still be at work, and so may those who close what peers have passed.
    static func settled(like hoped: ProcessResources? = nil) async throws -> ProcessResources {
        let clock = ContinuousClock()
        var last = try current()
        var looks = 0
        let deadline = clock.now + .seconds(30)
        while last != hoped, looks < 5 || hoped != nil, clock.now < deadline {
            try await clock.sleep(until: clock.now + .milliseconds(20), tolerance: nil)
            let next = try current()
            looks = next == last && Disposal.pendingInAll(most: .max) == 0 ? looks + 1 : 0
            last = next
        }
        return last
    }
}

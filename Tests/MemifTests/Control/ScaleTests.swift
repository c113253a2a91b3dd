import CountedAllocations
import Foundation
import LinuxIO
import Memif
import Testing

/// In processes of their own, where all that is counted is theirs.
@Suite("A thousand links on one control thread", .timeLimit(.minutes(4)))
struct ScaleTests {
    @Test("idle ones never wake it, and cost the bursts of another nothing")
    func idle() async {
        await #expect(processExitsWith: .success) { try await Self.workBesideIdleOnes() }
    }

    private static func workBesideIdleOnes() async throws {
        DescriptorReserve.raiseLimit()
        let crowd = try LinkCrowd()
        let idle = try await crowd.add(0..<999) { $0.ringSize = 8 }
        // Queues that are taken, in each mode, do not wake it either.
        for (number, mode) in [ReceiveMode.polling, .interrupt].enumerated() {
            let queue = try unwrap(idle[number].slave.link?.takeReceiveQueue(0, mode: mode))
            expectEqual(queue.hasNews, false)
        }
        let ways = BurstCost.Way.allCases.flatMap { way in MemifRole.allCases.map { (way, $0) } }
        for (number, (way, role)) in ways.enumerated() {
            let id = 999 + UInt32(number)
            let busy = try await crowd.add(id..<id + 1) { $0.ringSize = 64 }[0]
            let links = try await busy.links()
            let before = try await Rest.begun()
            let cost = try await onThread {
                try role == .slave
                    ? BurstCost(of: way, from: links.master, to: links.slave)
                    : BurstCost(of: way, from: links.slave, to: links.master)
            }
            // However long that took: it has not run, and so asked nothing of the kernel.
            let after = try Rest()
            try #require(after == before, "\(way), received by the \(role)")
            try #require(cost == BurstCost(), "\(way), received by the \(role)")
            busy.slave.remove()
            busy.master.remove()
        }
        try #require(idle.allSatisfy { $0.master.link?.isUp == true })
    }

    @Test("each costs its region, eight descriptors, and a few kilobytes")
    func memory() async {
        await #expect(processExitsWith: .success) { try await Self.countMemory() }
    }

    private static func countMemory() async throws {
        DescriptorReserve.raiseLimit()
        let crowd = try LinkCrowd()
        let shape: @Sendable (inout InterfaceConfiguration) -> Void = {
            $0.ringSize = 64
            $0.bufferSize = 2048
            $0.bufferSpacing = 2048
        }
        // The first few open what stays.
        let first = try await crowd.add(0..<32, shape)
        // Both rings, in whole pages, and the buffers.
        let region = 4096 + 2 * 64 * 2048
        try #require(first[0].slave.link?.details.regionByteCounts == [region])
        _ = try await Rest.begun()
        let (before, heapBefore) = (try ProcessResources.current(), heap_bytes())
        let more = try await crowd.add(32..<1032, shape)
        _ = try await Rest.begun()
        let (after, heap) = (try ProcessResources.current(), heap_bytes() - heapBefore)
        // Each end maps the region, and holds its file, a socket and two eventfds.
        try #require(after.sharedMappings - before.sharedMappings == 2000)
        try #require(after.sharedByteCount - before.sharedByteCount == 2000 * region)
        try #require(after.descriptors - before.descriptors == 8000)
        try #require(heap / more.count <= 12 * 1024)
    }

    /// How the control thread sleeps.
    private struct Rest: Equatable {
        /// One letter, as proc(5) has them.
        let state: String
        /// How often it went to sleep so far.
        let count: Int

        init() throws {
            for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
                let status = try? String(
                    contentsOfFile: "/proc/self/task/\(task)/status", encoding: .utf8)
                var facts: [Substring: Substring] = [:]
                for line in status?.split(separator: "\n") ?? [] {
                    let pair = line.split(separator: ":\t", maxSplits: 1)
                    if pair.count == 2 { facts[pair[0]] = pair[1] }
                }
                guard facts["Name"] == Substring(LinkCrowd.threadName) else { continue }
                state = try #require(facts["State"]?.first.map(String.init))
                count = try #require(facts["voluntary_ctxt_switches"].flatMap { Int($0) })
                return
            }
            throw GaveUp()
        }

        /// Waits until all that was to be done is done, and the thread sleeps.
        static func begun() async throws -> Rest {
            var last = try Rest()
            try await eventually("the control thread sleeps") {
                let before = last
                last = try Rest()
                return last.state == "S" && last == before
            }
            return last
        }
    }
}

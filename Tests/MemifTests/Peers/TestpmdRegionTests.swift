import Memif
import MemifTesting
import Testing

@Suite("Several regions with testpmd")
struct TestpmdRegionTests {
    @Test("testpmd reads and writes the buffers of each queue in a region of its own")
    func pools() async throws {
        let pools = try (0..<3).map { number in
            try BufferPool(name: "pool \(number)", bufferCount: 4096)
        }
        let pair = try await TestpmdLink(.slave, .echo) {
            $0.queues = QueueCounts(pairs: 4)
            $0.ringSize = 512
            $0.pools = pools
        } options: {
            $0.queues = 4
        }
        #expect(pair.link.details.regionByteCounts.count == 4)
        for queue in 0..<4 {
            let frames = (0..<300).map { [UInt8](repeating: UInt8(queue), count: 64 + 5 * $0) }
            let received = try await onThread {
                try Echo.pass(frames, over: pair.link, queue: queue, .polling)
            }
            #expect(received == frames)
        }
        await pair.end()
    }
}

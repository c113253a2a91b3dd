import Foundation
import LinuxIO
import Testing

@Suite("Event counters")
struct EventCounterTests {
    @Test("count signals and start again when drained")
    func counting() throws {
        let counter = try EventCounter()
        #expect(counter.drain() == 0)
        for _ in 0..<3 { counter.signal() }
        #expect(counter.drain() == 3)
        #expect(counter.drain() == 0)
    }

    @Test("never block when drained, even where a peer cleared O_NONBLOCK")
    func hostilePeer() throws {
        let counter = try EventCounter()
        try counter.descriptor.setNonblocking(false)
        #expect(counter.drain() == 0)
        counter.signal()
        #expect(counter.drain() == 1)
    }

    @Test("take over an eventfd and refuse anything else")
    func adopting() throws {
        let counter = try EventCounter()
        let copy = try EventCounter(adopting: try counter.descriptor.duplicate())
        copy.signal()
        #expect(counter.drain() == 1)

        let file = try OwnedDescriptor.memoryFile(name: "no eventfd", byteCount: 4096)
        let duplicate = try file.duplicate()
        do {
            _ = try EventCounter(adopting: duplicate)
            Issue.record("a memory file was taken for an eventfd")
        } catch {
            #expect(error.code == EINVAL)
            #expect(error.subject.contains("no eventfd"))
        }
    }
}

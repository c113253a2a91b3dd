import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import LibvirtRPC

/// A connection that is always busy must not grow.
@Suite("Queues that are never quite empty") struct FirstInFirstOutTests {
    @Test("it holds what waits, in order, and little more") func bounded() {
        var queue = FirstInFirstOut<Int>()
        for number in 0..<3 { queue.append(number) }
        for number in 0..<100_000 {
            queue.append(number + 3)
            #expect(queue.popFirst() == number)
            #expect(queue.slotCount <= 8)
        }
        #expect(queue.elements == [100_000, 100_001, 100_002])
        queue.removeAll { $0 == 100_001 }
        #expect(queue.popFirst() == 100_000)
        #expect(queue.popFirst() == 100_002)
        #expect(queue.popFirst() == nil && queue.isEmpty)
    }

    @Test("a frame that was sent is let go while others wait") func sentFrames() throws {
        var writer = FrameWriter()
        var descriptors: PassedDescriptors? = PassedDescriptors(DescriptorQueue())
        weak let held = descriptors
        writer.append(OutgoingFrame([1], descriptors: descriptors))
        writer.append(OutgoingFrame([2]))
        descriptors = nil
        #expect(held != nil)
        var room = 1
        try writer.flush { (bytes, _, _) throws(SystemError) in
            guard room > 0 else { return nil }
            room -= bytes.byteCount
            return bytes.byteCount
        }
        #expect(writer.queuedByteCount == 1)
        #expect(held == nil)
    }
}

import Memif
import Testing

@Suite("Batches of frames")
struct FrameBatchTests {
    @Test("holds frames of every size up to its capacity, and refuses what is beyond")
    func capacity() {
        var batch = FrameBatch(frameCapacity: 3, byteCapacity: 192)
        expectEqual(batch.append([UInt8](repeating: 1, count: 65)), true)
        expectEqual(batch.append([UInt8](repeating: 2, count: 65)), false)
        expectEqual(batch.append([UInt8](repeating: 3, count: 64)), true)
        expectEqual(batch.append([9]), false)
        expectEqual(batch.count, 2)
        expectEqual(batch.bytes(of: 0), [UInt8](repeating: 1, count: 65))
        expectEqual(batch.bytes(of: 1), [UInt8](repeating: 3, count: 64))
        batch.removeAll()
        for _ in 0..<3 { expectEqual(batch.append([5]), true) }
        expectEqual(batch.append([5]), false)
    }

    @Test("copies every length and nothing around it")
    func lengths() {
        var generator = SeededGenerator()
        print("seed \(generator.seed)")
        var batch = FrameBatch(frameCapacity: 2, byteCapacity: 2048)
        for count in 0...700 {
            batch.removeAll()
            let frame = generator.bytes(count)
            batch.append(frame)
            batch.append([0xEE])
            expectEqual(batch.bytes(of: 0), frame)
            expectEqual(batch.bytes(of: 1), [0xEE])
        }
    }

    @Test("frames are rewritten in place, kept or let go")
    func compactMap() {
        var batch = FrameBatch(frameCapacity: 8)
        for number in 0..<6 as Range<UInt8> { batch.append([number, number, number]) }
        batch.compactMapFrames { frame in
            // SAFETY: the frame has three bytes.
            let number = unsafe frame.unsafeLoad(as: UInt8.self)
            guard number % 2 == 0 else { return nil }
            frame.storeBytes(of: number + 100, toByteOffset: 0, as: UInt8.self)
            return 2
        }
        expectEqual(
            (0..<batch.count).map { batch.bytes(of: $0) }, [[100, 0], [102, 2], [104, 4]])
    }

    @Test("a frame can be read in place")
    func spans() {
        var batch = FrameBatch()
        batch.append([1, 2, 3])
        expectEqual(batch[0].byteCount, 3)
        expectEqual(batch.byteCount(of: 0), 3)
    }

    @Test("a frame that is not there stops the program, for it is the program's own mistake")
    func misuse() async {
        await #expect(processExitsWith: .failure) {
            let batch = FrameBatch()
            _ = batch.byteCount(of: 0)
        }
    }
}

import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// Regions whose offsets need all of their 32 bits, and sizes that need more. The files are nearly all
/// holes: no page is touched that a test does not write to, and none is faulted in ahead.
@Suite("Regions of gigabytes")
struct LargeRegionTests {
    /// A master's link to a peer whose rings and buffers are where a test wants them.
    private struct Scene {
        let memory: RawMemory
        let sending: RawRing
        let receiving: RawRing
        let link: MemifLink

        init(byteCount: Int, rings: (UInt32, UInt32)) throws {
            let announced = ControlMessage.AddRegion(index: 0, byteCount: UInt64(byteCount))
            let announcements = [
                ControlMessage.AddRing(
                    direction: .slaveToMaster, index: 0, region: 0, offset: rings.0, log2Size: 4),
                ControlMessage.AddRing(
                    direction: .masterToSlave, index: 0, region: 0, offset: rings.1, log2Size: 4),
            ]
            var limits = InterfaceLimits()
            limits.regionBytes = 8 << 30
            var admission = RingAdmission(limits: limits)
            #expect(admission.admit(announced) == nil)
            for ring in announcements { #expect(admission.admit(ring) == nil) }
            let layout = try admission.settledLayout().get().0
            memory = try RawMemory(byteCount: byteCount)
            sending = RawRing(memory, at: Int(rings.0), log2Size: 4)
            receiving = RawRing(memory, at: Int(rings.1), log2Size: 4)
            for ring in [sending, receiving] { ring.setCookie() }
            let region = try Region(
                peerFile: memory.file.duplicate(), byteCount: announced.byteCount, limits: limits)
            var interrupts = DescriptorQueue()
            for _ in 0..<2 { interrupts.append(try EventCounter().descriptor.duplicate()) }
            let terms = LinkTerms(
                id: 0, mode: .ethernet, peerName: "", peerInterfaceName: "", layout: layout,
                rings: announcements)
            link = MemifLink(
                memory: try LinkMemory.makeMaster(
                    terms, regions: [region], interrupts: interrupts),
                terms: terms, configuration: InterfaceConfiguration(), peer: nil)
        }

        /// The peer sends a frame that lies at an offset.
        func send(_ frame: [UInt8], at offset: UInt32) {
            memory.set(frame, at: Int(offset))
            sending.setDescriptor(sending.head, length: UInt32(frame.count), offset: offset)
            sending.head &+= 1
        }
    }

    /// Offsets on both sides of 2 GiB, and the last one that there is.
    private static let offsets: [UInt32] = [
        0x1000, 0x7FFF_FFF0, 0x8000_0000, 0x8000_0001, 0xC000_0000, 0xFFFF_F800, 0xFFFF_FFFF,
    ]

    @Test("frames are received from and sent to everywhere in five gibibytes")
    func everywhere() throws {
        let scene = try Scene(byteCount: 5 << 30, rings: (0x8000_1000, 0xFFFF_0000))
        var receiver = try unwrap(scene.link.takeReceiveQueue(0))
        var sender = try unwrap(scene.link.takeTransmitQueue(0))
        var views = receiver.makeViews()
        var batch = FrameBatch()
        var generator = SeededGenerator()
        for offset in Self.offsets {
            // The last ones reach beyond 4 GiB, which offsets do not.
            let frame = generator.bytes(1500)
            scene.send(frame, at: offset)
            expectEqual(try receiver.receiveBurst(into: &batch), 1)
            #expect(batch.bytes(of: 0) == frame, "at \(offset), seed \(generator.seed)")
            scene.send(frame, at: offset)
            expectEqual(try receiver.receiveBurst(into: &views), 1)
            batch.removeAll()
            views.copyFrame(at: 0, into: &batch)
            #expect(batch.bytes(of: 0) == frame, "at \(offset), seed \(generator.seed)")
            receiver.release(&views)

            let head = scene.receiving.head
            scene.receiving.setDescriptor(head, length: 2048, offset: offset)
            scene.receiving.head = head &+ 1
            let answer = generator.bytes(1400)
            batch.removeAll()
            batch.append(answer)
            expectEqual(try sender.transmitBurst(batch), 1)
            #expect(scene.receiving.length(head) == 1400)
            #expect(scene.memory.bytes(at: Int(offset), count: 1400) == answer, "at \(offset)")
        }
        #expect(scene.link.isUp)
        #expect(scene.link.details.regionByteCounts == [5 << 30])
    }

    @Test("the last byte behind two gibibytes is within bounds, and the next is not")
    func bounds() throws {
        let end = 2 << 30 + 4096
        let scene = try Scene(byteCount: end, rings: (0x8000_0000, 0x8000_0400))
        var receiver = try unwrap(scene.link.takeReceiveQueue(0))
        var batch = FrameBatch()
        scene.send([1, 2, 3, 4], at: UInt32(end - 4))
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [1, 2, 3, 4])
        scene.sending.setDescriptor(scene.sending.head, length: 5, offset: UInt32(end - 4))
        scene.sending.head &+= 1
        do {
            _ = try receiver.receiveBurst(into: &batch)
            Issue.record("a frame beyond the region's end")
        } catch {
            #expect(error.reason.text.contains("points outside the regions"))
        }
        #expect(!scene.link.isUp)
    }

    @Test("the parts that are faulted in reach beyond four gibibytes")
    func parts() throws {
        var limits = InterfaceLimits()
        limits.regionBytes = 8 << 30
        let byteCount = 4 << 30 + 8192
        let region = try Region(
            peerFile: OwnedDescriptor.memoryFile(name: "large", byteCount: byteCount),
            byteCount: UInt64(byteCount), limits: limits)
        #expect(try region.populate(from: 4 << 30, atMost: 4096) == 4 << 30 + 4096)
        #expect(try region.populate(from: 4 << 30 + 4096) == byteCount)
        // A page each, and none of the others.
        #expect(try region.file.status().byteCount == byteCount)
        // A file that is a byte short of what is announced.
        do throws(LinkEnd) {
            _ = try Region(
                peerFile: region.file.copy(), byteCount: UInt64(byteCount) + 1, limits: limits)
            Issue.record("a region that is larger than its file")
        } catch {
            #expect(error.reason.code == .regionRefused)
        }
    }
}

extension OwnedDescriptor {
    /// A duplicate, for where only `LinkEnd` can be thrown.
    fileprivate borrowing func copy() throws(LinkEnd) -> OwnedDescriptor {
        do throws(SystemError) {
            return try duplicate()
        } catch {
            throw LinkEnd(error)
        }
    }
}

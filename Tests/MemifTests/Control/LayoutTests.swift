import Memif
import MemifTesting
import Testing

/// Slaves whose rings do not lie one straight after the other, so that their distance says nothing.
@Suite("A second look at the rings' layout")
struct LayoutTests {
    private let master: AttackedMaster

    init() throws { master = try AttackedMaster() }

    /// The link of a slave that describes its buffers before it connects, as C libmemif, DPDK, VPP and
    /// gomemif do, or does not.
    private func link(
        _ layout: RingLayout, gap: Int, describes: Bool
    ) async throws -> (RawSlave, MemifLink) {
        let slave = try master.slave {
            $0.layout = layout
            $0.gap = gap
        }
        if describes {
            for ring in [slave.sending, slave.receiving] {
                for slot in 0..<16 as Range<UInt16> {
                    ring.setDescriptor(
                        slot, length: 2048, offset: slave.bufferOffset(ring, slot))
                }
            }
        }
        try await slave.connect()
        return (slave, try await master.interface.waitForLink(within: .seconds(30)))
    }

    /// A frame each way.
    private func pass(_ slave: RawSlave, _ link: MemifLink) throws {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var sender = try unwrap(link.takeTransmitQueue(0))
        slave.transmit([1, 2, 3])
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [1, 2, 3])
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receiving.length(0) == 3)
    }

    @Test(
        "buffers that are described tell it, wherever the rings lie",
        arguments: [RingLayout.lines64, .lines128], [0, 64, 128, 512, 4096])
    func described(_ layout: RingLayout, gap: Int) async throws {
        let (slave, link) = try await link(layout, gap: gap, describes: true)
        #expect(link.terms.layout == layout)
        try pass(slave, link)
    }

    @Test("without any description their distance decides", arguments: [0, 128, 512])
    func silent(gap: Int) async throws {
        let (_, link) = try await link(.lines64, gap: gap, describes: false)
        #expect(link.terms.layout == (gap == 128 ? .lines128 : .lines64))
    }

    @Test("descriptions of buffers that are not there tell nothing")
    func nonsense() async throws {
        let slave = try master.slave { $0.gap = 512 }
        // At byte 256 of each ring.
        for ring in [slave.sending, slave.receiving] {
            ring.setDescriptor(8, region: 3, length: 2048, offset: 0)
            ring.setDescriptor(0, length: 2048, offset: .max)
        }
        try await slave.connect()
        let link = try await master.interface.waitForLink(within: .seconds(30))
        #expect(link.terms.layout == .lines64)
    }
}

import LinuxIO
import Memif
import MemifTesting
import Testing

/// Slaves whose memory is laid out in ways of their own, and what a master of ours writes there.
@Suite("Odd memory")
struct OddMemoryTests {
    private let master: AttackedMaster

    init() throws { master = try AttackedMaster() }

    @Test("a ring may lie in any region, and its buffers in another")
    func ringsApart() async throws {
        let slave = try master.slave()
        try await slave.initialize()
        try await slave.addRegion()
        let places = try (0..<2).map { _ in try RawMemory(byteCount: 8192) }
        let rings = places.map { RawRing($0, at: 4096, log2Size: 4) }
        for (index, place) in places.enumerated() {
            rings[index].setCookie()
            let region = ControlMessage.AddRegion(index: UInt16(index + 1), byteCount: 8192)
            try slave.peer.send(.addRegion(region), descriptors: [place.file.rawValue])
            try await slave.peer.expect("ACK")
        }
        for (index, announcement) in slave.announcements.enumerated() {
            var ring = announcement
            ring.region = UInt16(index + 1)
            ring.offset = 4096
            try slave.peer.send(
                .addRing(ring), descriptors: [slave.sendingInterrupt.descriptor.rawValue])
            try await slave.peer.expect("ACK")
        }
        try slave.peer.send(.connect(interfaceName: ""))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var sender = try unwrap(link.takeTransmitQueue(0))
        slave.memory.set([1, 2, 3], at: 6000)
        rings[0].setDescriptor(0, length: 3, offset: 6000)
        rings[0].head = 1
        rings[1].setDescriptor(0, region: 1, length: 64, offset: 100)
        rings[1].head = 1
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(batch.bytes(of: 0), [1, 2, 3])
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(places[0].bytes(at: 100, count: 3) == [1, 2, 3])
        #expect(rings.map(\.tail) == [1, 1])
    }

    @Test("one that clears indexes and flags when it hears CONNECTED loses nothing")
    func clearing() async throws {
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .polling))
        var sender = try unwrap(link.takeTransmitQueue(0))
        for ring in [slave.sending, slave.receiving] {
            (ring.head, ring.tail, ring.flags) = (0, 0, 0)
        }
        slave.transmit([1, 2])
        slave.receiving.head = 16
        var batch = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receiving.length(0) == 2)
        // Its interrupts, which nobody had asked for, are masked again when there is occasion to.
        expectEqual(receiver.armInterrupt(), true)
        receiver.disarmInterrupt()
        #expect(slave.sending.flags == MemifProtocol.maskInterrupt)
    }

    @Test("what describes a slave's frames stays as the slave wrote it, also in a chain")
    func describedFrames() async throws {
        let (slave, link) = try await master.connected()
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var views = receiver.makeViews()
        var batch = FrameBatch()
        let start = slave.sending.offset + slave.sending.layout.slotsOffset
        for slot in 0..<16 as Range<UInt16> {
            slave.sending.setDescriptor(
                slot, hasNext: slot % 3 == 0, length: 100, offset: 4096 + UInt32(slot))
            // What nobody knows is not ours to change either.
            slave.memory[word: start + 16 * Int(slot)] |= 0xF0
            slave.memory[long: start + 16 * Int(slot) + 12] = 0xDEAD_BEEF
        }
        let written = slave.memory.bytes(at: start, count: 256)
        slave.sending.head = 8
        expectEqual(try receiver.receiveBurst(into: &batch), 5)
        slave.sending.head = 14
        expectEqual(try receiver.receiveBurst(into: &views), 4)
        receiver.release(&views)
        #expect(slave.sending.tail == 14)
        #expect(slave.memory.bytes(at: start, count: 256) == written)
    }

    @Test("of what describes an empty buffer, length and flags change, and nothing else")
    func describedBuffers() async throws {
        let (slave, link) = try await master.connected()
        var sender = try unwrap(link.takeTransmitQueue(0))
        let start = slave.receiving.offset + slave.receiving.layout.slotsOffset
        for slot in 0..<16 { slave.memory[long: start + 16 * slot + 12] = 0xDEAD_BEEF }
        let places = (0..<16).map { slave.receiving.bufferOffset($0) }
        var batch = FrameBatch()
        batch.append([UInt8](repeating: 1, count: 5000))
        batch.append([2])
        expectEqual(try sender.transmitBurst(batch), 2)
        #expect((0..<4).map { slave.receiving.length($0) } == [2048, 2048, 904, 1])
        #expect((0..<4).map { slave.receiving.hasNext($0) } == [true, true, false, false])
        #expect((0..<16).map { slave.receiving.bufferOffset($0) } == places)
        #expect((0..<16).allSatisfy { slave.receiving.region($0) == 0 })
        #expect((0..<16).allSatisfy { slave.memory[long: start + 16 * $0 + 12] == 0xDEAD_BEEF })
    }
}

import LinuxIO

@testable import Memif

/// The shared memory of a link, with both ends of it in this process: two small regions, a ring of
/// eight slots each way.
final class SharedRings: Sendable {
    /// The longest frame that is received, in bytes.
    static let longestFrame = 512

    /// Made once: mapping memory for every input would be most of the work.
    static let shared = try? SharedRings()

    /// Another, whose buffers change places.
    static let spare = try? SharedRings()

    private let master: LinkMemory
    private let slave: LinkMemory

    private init() throws(SystemError) {
        let geometry = SlaveGeometry(
            queues: QueueCounts(pairs: 1), log2RingSize: 3, bufferSize: 256, bufferSpacing: 256)
        slave = try LinkMemory.makeSlave(geometry, name: "fuzz")
        let regions = slave.regions + [try Region(name: "fuzz", byteCount: 4096)]
        var rings: [Ring] = []
        for announcement in geometry.rings {
            let ring = regions[0].ring(
                at: Int(announcement.offset), layout: geometry.layout,
                log2Size: announcement.log2Size, role: .master)
            guard let ring else { continue }
            rings.append(Ring(announcement, memory: ring, interrupt: try EventCounter()))
        }
        master = LinkMemory(
            role: .master, layout: geometry.layout, regions: regions, rings: rings, geometry: nil)
        // Bytes that tell of their place; the rings lie before them.
        for (number, region) in regions.enumerated() {
            for offset in (number == 0 ? 4096 : 0)..<region.byteCount {
                // SAFETY: within the mapping, which lives as long as this object.
                unsafe region.mapping.baseAddress.storeBytes(
                    of: UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8 &+ number),
                    toByteOffset: offset, as: UInt8.self)
            }
        }
    }

    enum Use { case receiving, sending }

    func memory(_ role: MemifRole) -> LinkMemory { role == .master ? master : slave }

    /// A ring seen from an end that uses it so, and from the other.
    func ends(_ role: MemifRole, _ use: Use) -> (own: Ring, peer: Ring) {
        let (own, peer) = role == .master ? (master, slave) : (slave, master)
        return use == .receiving
            ? (own.receiving[0], peer.sending[0]) : (own.sending[0], peer.receiving[0])
    }

    /// Writes descriptors as a hostile peer: near what makes sense, or any sixteen bytes.
    func scribble(_ reader: inout InputReader, on ring: RingMemory, from start: UInt16) {
        for slot in 0..<UInt16(1 + reader.take(below: 8)) {
            let choices: UInt8 = reader.take()
            let descriptor =
                if choices & 2 == 0 {
                    Descriptor(
                        hasNext: choices & 1 != 0, region: UInt16(choices >> 6),
                        length: UInt32(reader.take(UInt8.self)) << UInt32(choices >> 2 & 1),
                        offset: UInt32(reader.take(UInt16.self)))
                } else {
                    Descriptor(first: reader.take(), second: reader.take())
                }
            ring.setDescriptor(descriptor, at: start &+ slot)
        }
    }

    /// Whether no buffer lies where the rings are.
    func describesNoRing(_ ring: RingMemory) -> Bool {
        (0..<ring.size).allSatisfy { slot in
            let descriptor = ring.descriptor(at: slot)
            return descriptor.region != 0 || descriptor.offset >= 4096
        }
    }

    /// The bytes that a descriptor stands for, if they are where its end may look.
    func bytes(_ descriptor: Descriptor, slot: UInt16, role: MemifRole) -> [UInt8]? {
        var region = slave.regions[0]
        var offset = Int(descriptor.offset)
        let count = Int(descriptor.length)
        switch role {
        case .slave:
            guard let geometry = slave.geometry, count <= geometry.bufferSize else { return nil }
            offset =
                geometry.buffersOffset(.masterToSlave, 0)
                + Int(slot) % geometry.ringSize * geometry.bufferSpacing
        case .master:
            guard Int(descriptor.region) < master.regions.count else { return nil }
            region = master.regions[Int(descriptor.region)]
        }
        guard offset + count <= region.byteCount else { return nil }
        // SAFETY: the range was compared with the mapping's length just now.
        return (offset..<offset + count).map {
            unsafe region.mapping.baseAddress.load(fromByteOffset: $0, as: UInt8.self)
        }
    }
}

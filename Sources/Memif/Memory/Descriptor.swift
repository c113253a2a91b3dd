/// A slot's descriptor, as a private copy: what the peer writes into the ring afterwards does not
/// change it.
///
/// Source: memif.h, `memif_desc_t`: flags UInt16, region UInt16, length UInt32, offset UInt32,
/// metadata UInt32. The two words are the sixteen bytes as two little-endian numbers.
struct Descriptor: Hashable, Sendable {
    /// Flags, region and length.
    var first: UInt64
    /// Offset and metadata.
    var second: UInt64

    @inline(__always)
    init(first: UInt64, second: UInt64) {
        self.first = first
        self.second = second
    }

    @inline(__always)
    init(hasNext: Bool, region: UInt16, length: UInt32, offset: UInt32) {
        first =
            (hasNext ? UInt64(MemifProtocol.nextFlag) : 0) | UInt64(region) << 16
            | UInt64(length) << 32
        second = UInt64(offset)
    }

    /// The same buffer with other flags and another length, which the caller has checked to fit.
    @inline(__always)
    func withLength(_ length: Int, hasNext: Bool = false) -> Descriptor {
        Descriptor(
            first: first & 0xFFFF_0000 | UInt64(truncatingIfNeeded: length) << 32
                | (hasNext ? UInt64(MemifProtocol.nextFlag) : 0),
            second: second)
    }

    /// Whether the frame goes on in the next slot.
    @inline(__always)
    var hasNext: Bool { first & UInt64(MemifProtocol.nextFlag) != 0 }

    /// The region of the buffer.
    @inline(__always)
    var region: UInt16 { UInt16(truncatingIfNeeded: first >> 16) }

    /// Bytes of the frame in the buffer, or the room there.
    @inline(__always)
    var length: UInt32 { UInt32(truncatingIfNeeded: first >> 32) }

    /// The buffer's offset in its region.
    @inline(__always)
    var offset: UInt32 { UInt32(truncatingIfNeeded: second) }
}

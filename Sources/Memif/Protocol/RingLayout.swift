/// How a ring lies in memory: a header whose parts stand on cache lines of their own, then the slots.
///
/// The protocol does not negotiate the line's size. x86 builds use 64 bytes, some ARM and POWER
/// builds 128; two ends that differ pass the cookie check and misread everything else.
///
///     line of    64   128
///     cookie      0     0   UInt32
///     flags       4     4   UInt16, bit 0 MASK_INT
///     head        6     6   UInt16
///     tail       64   128   UInt16
///     slot 0    128   256   16 bytes each
public struct RingLayout: Hashable, Sendable {
    /// The size of a cache line as the ring's maker saw it, in bytes: 64 or 128.
    public let lineByteCount: Int

    /// What x86 and most others use.
    public static let lines64 = RingLayout(lineByteCount: 64)
    /// What some ARM and POWER builds use.
    public static let lines128 = RingLayout(lineByteCount: 128)

    /// Bytes of one slot's descriptor.
    public static let descriptorByteCount = 16
    /// Offset of the cookie in every layout.
    public static let cookieOffset = 0
    /// Offset of the flags in every layout.
    public static let flagsOffset = 4
    /// Offset of the head in every layout.
    public static let headOffset = 6

    /// Offset of the tail.
    public var tailOffset: Int { lineByteCount }
    /// Offset of the first slot.
    public var slotsOffset: Int { 2 * lineByteCount }

    /// The bytes of a ring of 2^log2Size slots.
    public func byteCount(log2Size: UInt8) -> Int {
        slotsOffset + Self.descriptorByteCount << Int(min(log2Size, 15))
    }

    /// Finds out which layout the announced rings have, by the distance between neighbours: every
    /// known slave puts its rings one straight after the other.
    ///
    /// Only when all distances say 128 is it 128; a single ring, or any distance that says
    /// something else, means 64, unless a look at the first descriptors says otherwise:
    /// `LinkMemory.layout(of:in:)`.
    public static func detect(_ rings: [ControlMessage.AddRing]) -> RingLayout {
        let sorted = rings.sorted { ($0.region, $0.offset) < ($1.region, $1.offset) }
        var neighbours = 0
        for (ring, next) in zip(sorted, sorted.dropFirst()) where ring.region == next.region {
            guard Int(next.offset) - Int(ring.offset) == lines128.byteCount(log2Size: ring.log2Size)
            else { return .lines64 }
            neighbours += 1
        }
        return neighbours > 0 ? .lines128 : .lines64
    }
}

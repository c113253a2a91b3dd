// SAFETY of the whole file: nothing is read or written here, and prefetches of any address are harmless.

internal import LinuxIO

/// What a burst fetches ahead of itself: descriptors far ahead, the frames that they describe less far.
///
/// Each line comes from another core and takes longer than copying several frames. A processor
/// looks a few hundred instructions ahead by itself, which is three frames; this has eight on their
/// way, whatever stands between them. It never looks beyond what the burst may use: those lines are
/// in use at the other end.
struct Lookahead {
    private static let slots: UInt16 = 8
    private static let descriptorSlots: UInt16 = 32
    /// Descriptors in a line of 64 bytes.
    private static let lineSlots: UInt16 = 4

    /// The next slot whose descriptor's line is to be fetched, and whose frame's first line is.
    private var described: UInt16
    private var fetched: UInt16
    /// The first slot that the burst does not reach.
    private let end: UInt16

    /// - Parameters:
    ///   - limit: the first slot that is not ours to use.
    ///   - most: how many slots the burst uses at most, where frames have one each.
    @inline(__always)
    init(from index: UInt16, to limit: UInt16, most: Int) {
        described = index
        fetched = index
        end = index &+ UInt16(truncatingIfNeeded: min(Int(limit &- index), most))
    }

    @inline(__always)
    private func isBeforeEnd(_ slot: UInt16) -> Bool {
        Int16(truncatingIfNeeded: end &- slot) > 0
    }

    /// Fetches frames to be received.
    @inline(__always)
    mutating func read(_ ring: RingMemory, _ buffers: BufferSpace, from index: UInt16) {
        while isBeforeEnd(described), described &- index < Self.descriptorSlots {
            // The owner of the buffers writes the descriptors, when the slots go back.
            if buffers.isOwner {
                ring.prefetchToWrite(described)
            } else {
                ring.prefetchToRead(described)
            }
            described = (described | (Self.lineSlots &- 1)) &+ 1
        }
        while isBeforeEnd(fetched), fetched &- index < Self.slots {
            if let place = unsafe place(fetched, ring, buffers) { unsafe Prefetch.read(place) }
            fetched &+= 1
        }
    }

    /// Fetches buffers to be filled.
    @inline(__always)
    mutating func write(_ ring: RingMemory, _ buffers: BufferSpace, from index: UInt16) {
        while isBeforeEnd(described), described &- index < Self.descriptorSlots {
            ring.prefetchToWrite(described)
            described = (described | (Self.lineSlots &- 1)) &+ 1
        }
        while isBeforeEnd(fetched), fetched &- index < Self.slots {
            if let place = unsafe place(fetched, ring, buffers) { unsafe Prefetch.write(place) }
            fetched &+= 1
        }
    }

    /// Where a slot's bytes begin. Who owns the buffers need not look at the descriptor.
    @unsafe @inline(__always)
    private func place(
        _ slot: UInt16, _ ring: RingMemory, _ buffers: BufferSpace
    ) -> UnsafeMutableRawPointer? {
        let descriptor =
            buffers.isOwner ? buffers.emptyDescriptor(slot: slot) : ring.descriptor(at: slot)
        return unsafe buffers.address(descriptor, slot: slot)
    }
}

extension LinkMemory {
    /// The layout of a slave's rings: what their places say, unless those leave room for another one
    /// and the rings' own content speaks for it.
    ///
    /// Slaves describe all their buffers before they connect (C libmemif, DPDK, VPP and gomemif do). The
    /// first descriptor stands at byte 128 or 256; where it is at 256, byte 128 holds the tail and
    /// nothing behind it. Wrong guesses harm nobody but the slave: both layouts lie within the region.
    static func layout(of terms: LinkTerms, in regions: [Region]) -> RingLayout {
        guard !terms.isLayoutCertain else { return terms.layout }
        var isLong = false
        for ring in terms.rings {
            let region = regions[Int(ring.region)]
            let near = region.descriptor(at: Int(ring.offset) + RingLayout.lines64.slotsOffset)
            let far = region.descriptor(at: Int(ring.offset) + RingLayout.lines128.slotsOffset)
            guard let near, let far else { continue }
            if describesBuffer(near, in: regions) { return .lines64 }
            let isBlank = near.first >> 16 == 0 && near.second == 0
            if isBlank, describesBuffer(far, in: regions) { isLong = true }
        }
        return isLong ? .lines128 : terms.layout
    }

    private static func describesBuffer(_ descriptor: Descriptor, in regions: [Region]) -> Bool {
        let end = UInt64(descriptor.offset) + UInt64(descriptor.length)
        return descriptor.length > 0 && Int(descriptor.region) < regions.count
            && end <= UInt64(regions[Int(descriptor.region)].byteCount)
    }
}

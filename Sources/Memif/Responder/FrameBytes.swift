// The only file of the responder with unsafe code: bounds-checked access to a frame's bytes.

extension MutableRawSpan {
    /// The byte at an offset.
    func byte(_ offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount, "a byte beyond the frame")
        // SAFETY: the offset was checked, and a byte has no alignment.
        return unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt8.self)
    }

    /// The big-endian 16-bit number at an offset.
    func word(_ offset: Int) -> UInt16 {
        UInt16(byte(offset)) << 8 | UInt16(byte(offset + 1))
    }

    /// Whether the bytes from an offset on are these.
    func matches(_ bytes: [UInt8], at offset: Int) -> Bool {
        guard offset >= 0, offset + bytes.count <= byteCount else { return false }
        return bytes.indices.allSatisfy { byte(offset + $0) == bytes[$0] }
    }

    /// Writes bytes from an offset on.
    mutating func set(_ bytes: [UInt8], at offset: Int) {
        for (index, byte) in bytes.enumerated() { set(byte, at: offset + index) }
    }

    /// Writes a byte.
    mutating func set(_ byte: UInt8, at offset: Int) {
        storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
    }

    /// Writes a big-endian 16-bit number.
    mutating func set(_ word: UInt16, at offset: Int) {
        set(UInt8(word >> 8), at: offset)
        set(UInt8(word & 0xFF), at: offset + 1)
    }

    /// Moves bytes that do not overlap.
    mutating func copy(from source: Int, to target: Int, count: Int) {
        for index in 0..<count { set(byte(source + index), at: target + index) }
    }

    /// Exchanges two ranges that do not overlap.
    mutating func swap(_ one: Int, _ other: Int, count: Int) {
        for index in 0..<count {
            let held = byte(one + index)
            set(byte(other + index), at: one + index)
            set(held, at: other + index)
        }
    }

    /// The ones' complement sum of a range, an odd last byte padded with zero, added to a sum so far.
    ///
    /// Source: RFC 1071.
    func onesComplementSum(from start: Int, count: Int, adding sum: UInt16 = 0) -> UInt16 {
        var total = UInt64(sum)
        var offset = start
        let end = start + count
        while offset + 1 < end {
            total += UInt64(word(offset))
            offset += 2
        }
        if offset < end { total += UInt64(byte(offset)) << 8 }
        while total > 0xFFFF { total = (total & 0xFFFF) + (total >> 16) }
        return UInt16(total)
    }
}

// The only file of this module with unsafe code: loads and stores whose bounds the codec has
// already checked, and copies between its memory and Swift's own containers.

extension RawSpan {
    /// The big-endian integer at `offset`, which needs no alignment.
    ///
    /// The caller has checked that `offset` and the integer's last byte lie inside.
    @inlinable @inline(__always)
    func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(
        at offset: Int, as type: T.Type
    ) -> T {
        assert(offset >= 0 && byteCount - offset >= MemoryLayout<T>.size)
        // SAFETY: both callers, in XDRDecoder.swift, compare the size with the bytes left first.
        return unsafe T(
            bigEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self))
    }

    /// A new array of `count` bytes from `offset` on, which the caller has checked.
    func copy(from offset: Int, count: Int) -> [UInt8] {
        guard count > 0 else { return [] }
        assert(offset >= 0 && byteCount - offset >= count)
        // SAFETY: the source range was checked; the array has room for exactly that many bytes.
        return unsafe withUnsafeBytes { source in
            let part = unsafe UnsafeRawBufferPointer(rebasing: source[offset..<offset + count])
            return unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: part)
                initialized = count
            }
        }
    }

    /// The text of `count` bytes from `offset` on, or nil where they are not valid UTF-8.
    func text(from offset: Int, count: Int) -> String? {
        assert(offset >= 0 && byteCount - offset >= count)
        // SAFETY: the range was checked; `String` copies the bytes and keeps no pointer.
        return unsafe withUnsafeBytes { source in
            let part = unsafe UnsafeRawBufferPointer(rebasing: source[offset..<offset + count])
            // Nearly all text is, and needs no check beyond this one.
            if unsafe part.isASCII {
                return unsafe String(decoding: part, as: UTF8.self)
            }
            return unsafe String(validating: part, as: UTF8.self)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether no byte has its highest bit set: eight are asked at a time.
    fileprivate var isASCII: Bool {
        var bits: UInt64 = 0
        var offset = 0
        while offset + 8 <= count {
            // SAFETY: the eight bytes lie inside; so does each that is left below.
            bits |= unsafe loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            bits |= UInt64(unsafe self[offset])
            offset += 1
        }
        return bits & 0x8080_8080_8080_8080 == 0
    }
}

extension MutableRawSpan {
    /// Stores the integer in big-endian order at `offset`, which needs no alignment.
    ///
    /// The caller has checked that `offset` and the integer's last byte lie inside.
    @inlinable @inline(__always)
    mutating func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(
        _ value: T, at offset: Int
    ) {
        assert(offset >= 0 && byteCount - offset >= MemoryLayout<T>.size)
        // SAFETY: `XDREncoder.reserve` compares the size with the room left first.
        unsafe storeBytes(of: value.bigEndian, toUncheckedByteOffset: offset, as: T.self)
    }

    /// Copies all of `source` to `offset`, whose room the caller has checked.
    mutating func copy(_ source: RawSpan, at offset: Int) {
        assert(offset >= 0 && byteCount - offset >= source.byteCount)
        // SAFETY: the room was checked, and an exclusive span cannot overlap the source.
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(
                    rebasing: target[offset..<offset + bytes.count]
                ).copyMemory(from: bytes)
            }
        }
    }
}

extension Span where Element == UInt8 {
    /// The same memory without its element type.
    @inlinable
    var rawSpan: RawSpan {
        @_lifetime(copy self)
        get {
            // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
            unsafe bytes
        }
    }
}

extension XDR {
    /// Writes `value` over the bytes from `start` on, which it must fill to the last.
    static func write(
        _ value: some XDREncodable, into bytes: inout [UInt8], from start: Int
    ) throws(XDRError) {
        let promised = bytes.count - start
        var span = bytes.mutableSpan
        // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
        var encoder = XDREncoder(unsafe span.mutableBytes, startingAt: start)
        try value.encode(to: &encoder)
        guard encoder.byteOffset == promised else {
            throw XDRError(
                .wrongCount, at: encoder.byteOffset, found: encoder.byteOffset, bound: promised)
        }
    }
}

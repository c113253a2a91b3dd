// The only file of this module with unsafe code: arrays of bytes seen as raw memory.

extension Span where Element == UInt8 {
    /// The same memory without its element type.
    var raw: RawSpan {
        @_lifetime(copy self)
        get {
            // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
            unsafe bytes
        }
    }
}

extension RawSpan {
    /// The big-endian word at `offset`, which need not be aligned.
    func bigEndianWord(at offset: Int) -> UInt32 {
        // SAFETY: the load checks that all four bytes lie inside; any bytes are a word.
        UInt32(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self))
    }
}

extension Array where Element == UInt8 {
    /// Lets `body` write some of the bytes in `range`, in place.
    mutating func withMutableBytes<Result: ~Copyable, Failure: Error>(
        in range: Range<Int>, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = mutableSpan
        var part = span._mutatingExtracting(range)
        // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
        var bytes = unsafe part.mutableBytes
        return try body(&bytes)
    }

    /// A new array with the bytes of a span.
    init(copying source: RawSpan) {
        self = []
        // The empty array is one for all threads, and a count of zero would be written to it.
        guard source.byteCount > 0 else { return }
        // The initializer that takes a capacity looks its type up each time; this does not.
        append(addingCapacity: source.byteCount) { $0.append(copying: source) }
    }
}

extension OutputSpan where Element == UInt8 {
    /// Copies bytes behind those that are there.
    mutating func append(copying source: RawSpan) {
        precondition(source.byteCount <= freeCapacity)
        // SAFETY: the room was checked, and exclusive memory overlaps nothing.
        unsafe withUnsafeMutableBufferPointer { target, count in
            unsafe source.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: target[count...])
                ).copyMemory(from: source)
            }
            count += source.byteCount
        }
    }
}

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

    /// Moves the bytes in `range` to the start.
    mutating func moveToStart(_ range: Range<Int>) {
        // SAFETY: slicing checks both ranges; `copyMemory` allows its ranges to overlap.
        unsafe withUnsafeMutableBytes { bytes in
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[0..<range.count])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
        }
    }

    /// A new array with the bytes of a span.
    init(copying source: RawSpan) {
        // The empty array is one for all threads, and an initializer would write a count of zero to it.
        guard source.byteCount > 0 else {
            self = []
            return
        }
        // SAFETY: the array has room for exactly the bytes that are copied and then declared.
        unsafe self.init(unsafeUninitializedCapacity: source.byteCount) { buffer, count in
            unsafe source.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
            }
            count = source.byteCount
        }
    }
}

extension MutableRawSpan {
    /// Copies bytes to the start.
    mutating func copyPrefix(_ source: RawSpan) {
        precondition(source.byteCount <= byteCount)
        // SAFETY: the length was checked, and exclusive memory overlaps nothing.
        unsafe withUnsafeMutableBytes { target in
            unsafe source.withUnsafeBytes { source in unsafe target.copyMemory(from: source) }
        }
    }
}

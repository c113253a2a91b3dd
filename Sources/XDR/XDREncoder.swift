/// Writes values in XDR (RFC 4506) into memory that the caller provides.
///
/// Every item is big-endian and padded with zero bytes to a multiple of four. Scalars allocate
/// nothing. An encoder made by ``measuring(refusingNUL:)`` writes nowhere and only counts, so that the caller
/// can provide memory of the right size. After an error the memory's content from
/// ``byteOffset`` on is unspecified, and the encoder must not be used further.
public struct XDREncoder: ~Copyable, ~Escapable {
    @usableFromInline var memory: MutableRawSpan
    @usableFromInline let capacity: Int
    @usableFromInline let isMeasuring: Bool
    @usableFromInline let refusesNUL: Bool

    @usableFromInline let start: Int
    @usableFromInline var position: Int
    /// How many optional values the next item stands within.
    @usableFromInline var optionalDepth = 0

    /// The number of bytes written, or counted, so far.
    @inlinable
    public var byteOffset: Int { position - start }

    /// An encoder that writes from byte `start` of `memory` on, at most to its end.
    @inlinable
    @_lifetime(copy memory)
    public init(_ memory: consuming MutableRawSpan, startingAt start: Int = 0) {
        precondition(start >= 0, "An encoder cannot start before its memory.")
        self.start = start
        self.capacity = memory.byteCount
        self.memory = memory
        self.isMeasuring = false
        self.refusesNUL = false
        self.position = start
    }

    @inlinable
    @_lifetime(immortal)
    init(measuringUpTo capacity: Int, refusingNUL: Bool) {
        self.memory = MutableRawSpan()
        self.capacity = capacity
        self.isMeasuring = true
        self.refusesNUL = refusingNUL
        self.start = 0
        self.position = 0
    }

    /// An encoder that writes nowhere and only counts in ``byteOffset``.
    ///
    /// - Parameter refusingNUL: refuse strings with a NUL, which a peer written in C would cut there.
    @inlinable
    @_lifetime(immortal)
    public static func measuring(refusingNUL: Bool = false) -> XDREncoder {
        XDREncoder(measuringUpTo: .max, refusingNUL: refusingNUL)
    }
}

extension XDREncoder {
    /// Makes room for `count` bytes and returns where it starts.
    @inlinable @inline(__always)
    mutating func reserve(_ count: Int) throws(XDRError) -> Int {
        let start = position
        guard capacity - start >= count else { throw noRoom(for: count) }
        position = start + count
        return start
    }

    @usableFromInline @inline(never)
    func noRoom(for count: Int) -> XDRError {
        XDRError(.noRoom, at: byteOffset, found: capacity - position, bound: count)
    }

    /// Writes an `unsigned int`, 4 bytes (RFC 4506, section 4.2).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: UInt32) throws(XDRError) {
        let start = try reserve(4)
        if !isMeasuring { memory.storeBigEndian(value, at: start) }
    }

    /// Writes an `unsigned hyper`, 8 bytes (RFC 4506, section 4.5).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: UInt64) throws(XDRError) {
        let start = try reserve(8)
        if !isMeasuring { memory.storeBigEndian(value, at: start) }
    }

    /// Writes an `int`, 4 bytes (RFC 4506, section 4.1).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Int32) throws(XDRError) {
        try encode(UInt32(bitPattern: value))
    }

    /// Writes a `hyper`, 8 bytes (RFC 4506, section 4.5).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Int64) throws(XDRError) {
        try encode(UInt64(bitPattern: value))
    }

    /// Writes a `bool` as 0 or 1, 4 bytes (RFC 4506, section 4.4).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Bool) throws(XDRError) {
        try encode(value ? 1 : 0 as UInt32)
    }

    /// Writes a `float`, 4 bytes of IEEE single precision (RFC 4506, section 4.6).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Float) throws(XDRError) {
        try encode(value.bitPattern)
    }

    /// Writes a `double`, 8 bytes of IEEE double precision (RFC 4506, section 4.7).
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Double) throws(XDRError) {
        try encode(value.bitPattern)
    }

    /// Writes a `char` as rpcgen does: sign-extended to 4 bytes.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Int8) throws(XDRError) { try encode(Int32(value)) }

    /// Writes an `unsigned char` as rpcgen does: 4 bytes.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: UInt8) throws(XDRError) { try encode(UInt32(value)) }

    /// Writes a `short` as rpcgen does: sign-extended to 4 bytes.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: Int16) throws(XDRError) { try encode(Int32(value)) }

    /// Writes an `unsigned short` as rpcgen does: 4 bytes.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public mutating func encode(_ value: UInt16) throws(XDRError) { try encode(UInt32(value)) }
}

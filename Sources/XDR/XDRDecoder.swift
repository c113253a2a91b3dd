/// Reads values in XDR (RFC 4506) from memory that the caller provides.
///
/// Nothing that a peer can write makes the decoder read outside that memory, loop for long, or
/// allocate much: every count is compared with the declared limit and with the bytes left, at the
/// smallest size that an element can have, before anything is allocated for it. Scalars allocate
/// nothing. After an error the decoder must not be used further.
///
/// RFC 4506 asks for zero bytes as padding. Libvirt's peers accept any, so a decoder does too
/// unless it is made with `requiringZeroPadding: true`.
public struct XDRDecoder: ~Copyable, ~Escapable {
    @usableFromInline let bytes: RawSpan
    @usableFromInline let requiresZeroPadding: Bool

    @usableFromInline var position: Int
    /// How many optional values the next item stands within.
    @usableFromInline var optionalDepth = 0

    /// The position of the next item, in bytes from the start of the memory.
    @inlinable
    public var byteOffset: Int { position }

    /// A decoder that reads from the start of `bytes` on.
    ///
    /// - Parameter requiringZeroPadding: refuse padding that is not zero.
    @inlinable
    @_lifetime(copy bytes)
    public init(_ bytes: RawSpan, requiringZeroPadding: Bool = false) {
        self.bytes = bytes
        self.requiresZeroPadding = requiringZeroPadding
        self.position = 0
    }

    /// The number of bytes not read yet.
    @inlinable
    public var remainingByteCount: Int { bytes.byteCount - byteOffset }

    /// Checks that everything has been read.
    ///
    /// - Throws: `XDRError` with code `trailingBytes`.
    @inlinable
    public func finish() throws(XDRError) {
        guard remainingByteCount == 0 else {
            throw XDRError(.trailingBytes, at: byteOffset, found: remainingByteCount)
        }
    }
}

extension XDRDecoder {
    @usableFromInline @inline(never)
    func truncated(needing count: Int) -> XDRError {
        XDRError(.truncated, at: byteOffset, found: remainingByteCount, bound: count)
    }

    /// Reads an `unsigned int`, 4 bytes (RFC 4506, section 4.2).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeUInt32() throws(XDRError) -> UInt32 {
        guard remainingByteCount >= 4 else { throw truncated(needing: 4) }
        let value = bytes.loadBigEndian(at: byteOffset, as: UInt32.self)
        position += 4
        return value
    }

    /// Reads an `unsigned hyper`, 8 bytes (RFC 4506, section 4.5).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeUInt64() throws(XDRError) -> UInt64 {
        guard remainingByteCount >= 8 else { throw truncated(needing: 8) }
        let value = bytes.loadBigEndian(at: byteOffset, as: UInt64.self)
        position += 8
        return value
    }

    /// Reads an `int`, 4 bytes (RFC 4506, section 4.1).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeInt32() throws(XDRError) -> Int32 {
        Int32(bitPattern: try decodeUInt32())
    }

    /// Reads a `hyper`, 8 bytes (RFC 4506, section 4.5).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeInt64() throws(XDRError) -> Int64 {
        Int64(bitPattern: try decodeUInt64())
    }

    /// Reads a `bool`, 4 bytes that hold 0 or 1 (RFC 4506, section 4.4).
    ///
    /// - Throws: `XDRError` with code `truncated` or `invalidBoolean`.
    @inlinable
    public mutating func decodeBool() throws(XDRError) -> Bool {
        let value = try decodeUInt32()
        guard value <= 1 else {
            throw XDRError(.invalidBoolean, at: byteOffset - 4, found: Int(value))
        }
        return value == 1
    }

    /// Reads a `float`, 4 bytes of IEEE single precision (RFC 4506, section 4.6).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeFloat() throws(XDRError) -> Float {
        Float(bitPattern: try decodeUInt32())
    }

    /// Reads a `double`, 8 bytes of IEEE double precision (RFC 4506, section 4.7).
    ///
    /// - Throws: `XDRError` with code `truncated`.
    @inlinable
    public mutating func decodeDouble() throws(XDRError) -> Double {
        Double(bitPattern: try decodeUInt64())
    }

    /// Reads an integer of rpcgen's that is narrower than the 4 bytes it takes.
    @inlinable
    mutating func decodeNarrow<T: FixedWidthInteger>(
        _ type: T.Type, named name: String
    ) throws(XDRError) -> T {
        let value = Int(T.isSigned ? Int(try decodeInt32()) : Int(try decodeUInt32()))
        guard let narrow = T(exactly: value) else {
            throw XDRError(.outOfRange, at: byteOffset - 4, found: value, subject: name)
        }
        return narrow
    }

    /// Reads a `char` as rpcgen has it, 4 bytes.
    ///
    /// - Throws: `XDRError` with code `truncated` or `outOfRange`.
    @inlinable
    public mutating func decodeInt8() throws(XDRError) -> Int8 {
        try decodeNarrow(Int8.self, named: "char")
    }

    /// Reads an `unsigned char` as rpcgen has it, 4 bytes.
    ///
    /// - Throws: `XDRError` with code `truncated` or `outOfRange`.
    @inlinable
    public mutating func decodeUInt8() throws(XDRError) -> UInt8 {
        try decodeNarrow(UInt8.self, named: "unsigned char")
    }

    /// Reads a `short` as rpcgen has it, 4 bytes.
    ///
    /// - Throws: `XDRError` with code `truncated` or `outOfRange`.
    @inlinable
    public mutating func decodeInt16() throws(XDRError) -> Int16 {
        try decodeNarrow(Int16.self, named: "short")
    }

    /// Reads an `unsigned short` as rpcgen has it, 4 bytes.
    ///
    /// - Throws: `XDRError` with code `truncated` or `outOfRange`.
    @inlinable
    public mutating func decodeUInt16() throws(XDRError) -> UInt16 {
        try decodeNarrow(UInt16.self, named: "unsigned short")
    }
}

extension XDREncoder {
    /// Writes a count of at most `limit`, the start of anything of variable length.
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeCount(_ count: Int, limit: Int) throws(XDRError) {
        let bound = min(limit, Int(UInt32.max))
        guard count <= bound else {
            throw XDRError(.overLimit, at: byteOffset, found: count, bound: bound)
        }
        try encode(UInt32(truncatingIfNeeded: count))
    }

    func checkCount(_ count: Int, is expected: Int) throws(XDRError) {
        guard count == expected else {
            throw XDRError(.wrongCount, at: byteOffset, found: count, bound: expected)
        }
    }

    /// Writes `opaque[count]`: the bytes and their padding (RFC 4506, section 4.9).
    ///
    /// - Throws: `XDRError` with code `wrongCount` or `noRoom`.
    public mutating func encodeFixedOpaque(_ bytes: RawSpan, count: Int) throws(XDRError) {
        try checkCount(bytes.byteCount, is: count)
        let padding = -bytes.byteCount & 3
        let start = try reserve(bytes.byteCount + padding)
        if isMeasuring { return }
        memory.copy(bytes, at: start)
        for index in 0..<padding {
            memory.storeBigEndian(0 as UInt8, at: start + bytes.byteCount + index)
        }
    }

    /// Writes `opaque[count]`: the bytes and their padding (RFC 4506, section 4.9).
    ///
    /// - Throws: `XDRError` with code `wrongCount` or `noRoom`.
    public mutating func encodeFixedOpaque(_ bytes: [UInt8], count: Int) throws(XDRError) {
        try encodeFixedOpaque(bytes.span.rawSpan, count: count)
    }

    /// Writes `opaque<limit>`: a count, the bytes and their padding (RFC 4506, section 4.10).
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeOpaque(_ bytes: RawSpan, limit: Int) throws(XDRError) {
        try encodeCount(bytes.byteCount, limit: limit)
        try encodeFixedOpaque(bytes, count: bytes.byteCount)
    }

    /// Writes `opaque<limit>`: a count, the bytes and their padding (RFC 4506, section 4.10).
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeOpaque(_ bytes: [UInt8], limit: Int) throws(XDRError) {
        try encodeOpaque(bytes.span.rawSpan, limit: limit)
    }

    /// Writes `string<limit>`: a count of bytes, the bytes, their padding (RFC 4506, section 4.11).
    ///
    /// - Throws: `XDRError` with code `overLimit`, `noRoom` or `embeddedNUL`.
    public mutating func encodeString(_ string: XDRString, limit: Int) throws(XDRError) {
        if refusesNUL, let offset = string.firstNUL {
            throw XDRError(.embeddedNUL, at: byteOffset, found: offset)
        }
        switch string.storage {
        case .text(let text): try encodeOpaque(text.utf8.span.rawSpan, limit: limit)
        case .bytes(let bytes): try encodeOpaque(bytes, limit: limit)
        }
    }

    /// Writes `T[count]`: the elements one after the other (RFC 4506, section 4.12).
    ///
    /// - Throws: `XDRError` with code `wrongCount`, or what an element throws.
    @inlinable
    public mutating func encodeFixedArray<T: XDREncodable>(
        _ elements: [T], count: Int
    ) throws(XDRError) {
        guard elements.count == count else {
            throw XDRError(.wrongCount, at: byteOffset, found: elements.count, bound: count)
        }
        for element in elements { try element.encode(to: &self) }
    }

    /// Writes `T<limit>`: a count and the elements (RFC 4506, section 4.13).
    ///
    /// - Throws: `XDRError` with code `overLimit`, or what an element throws.
    @inlinable
    public mutating func encodeArray<T: XDREncodable>(
        _ elements: [T], limit: Int
    ) throws(XDRError) {
        try encodeCount(elements.count, limit: limit)
        for element in elements { try element.encode(to: &self) }
    }

    /// Writes `*T`: whether there is a value, and the value (RFC 4506, section 4.19).
    ///
    /// - Throws: `XDRError` with code `noRoom` or `tooDeep`, or what the value throws.
    @inlinable
    public mutating func encodeOptional<T: XDREncodable>(_ value: T?) throws(XDRError) {
        try encode(value != nil)
        guard let value else { return }
        guard optionalDepth < XDR.mostNestedOptionals else {
            throw XDRError(
                .tooDeep, at: byteOffset - 4, found: optionalDepth + 1,
                bound: XDR.mostNestedOptionals)
        }
        optionalDepth += 1
        try value.encode(to: &self)
        optionalDepth -= 1
    }

    /// Writes an optional string: whether there is one, and it (RFC 4506, section 4.19).
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeOptionalString(
        _ string: XDRString?, limit: Int
    ) throws(XDRError) {
        try encode(string != nil)
        if let string { try encodeString(string, limit: limit) }
    }

    /// Writes `string<limit>` elements as a variable-length array.
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeStringArray(
        _ strings: [XDRString], limit: Int, elementLimit: Int
    ) throws(XDRError) {
        try encodeCount(strings.count, limit: limit)
        for string in strings { try encodeString(string, limit: elementLimit) }
    }

    /// Writes `char[count]` as rpcgen does: 4 bytes for each, sign-extended.
    ///
    /// - Throws: `XDRError` with code `wrongCount` or `noRoom`.
    public mutating func encodeFixedChars(_ chars: [UInt8], count: Int) throws(XDRError) {
        try checkCount(chars.count, is: count)
        for char in chars { try encode(Int8(bitPattern: char)) }
    }

    /// Writes `char<limit>` as rpcgen does: a count, then 4 bytes for each, sign-extended.
    ///
    /// - Throws: `XDRError` with code `overLimit` or `noRoom`.
    public mutating func encodeChars(_ chars: [UInt8], limit: Int) throws(XDRError) {
        try encodeCount(chars.count, limit: limit)
        try encodeFixedChars(chars, count: chars.count)
    }
}

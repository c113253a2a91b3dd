extension XDRDecoder {
    /// The most elements of zero bytes that an array may promise.
    ///
    /// No declaration in XDR has such elements; types written by hand may. The bytes left cannot
    /// bound their count, so this does.
    public static let emptyElementLimit = 65_536

    /// Reads a count, and checks it before anything is allocated for that many elements.
    ///
    /// - Parameters:
    ///   - limit: the most that the declaration allows.
    ///   - minimumByteCount: the fewest bytes that one element takes.
    /// - Throws: `XDRError` with code `overLimit`, or `truncated` when the bytes left cannot hold
    ///   that many elements.
    @inlinable
    public mutating func decodeCount(
        limit: Int, minimumByteCount: Int
    ) throws(XDRError) -> Int {
        let count = Int(try decodeUInt32())
        let bound = minimumByteCount > 0 ? limit : min(limit, Self.emptyElementLimit)
        guard count <= bound else {
            throw XDRError(.overLimit, at: byteOffset - 4, found: count, bound: bound)
        }
        try check(count: count, minimumByteCount: minimumByteCount)
        return count
    }

    /// Checks that the bytes left can hold `count` elements.
    @usableFromInline
    func check(count: Int, minimumByteCount: Int) throws(XDRError) {
        let (needed, overflow) = count.multipliedReportingOverflow(by: minimumByteCount)
        guard !overflow, needed <= remainingByteCount else {
            throw truncated(needing: overflow ? .max : needed)
        }
    }

    /// Checks that `count` bytes and their padding are there, passes them, returns their start.
    @inlinable
    mutating func take(_ count: Int) throws(XDRError) -> Int {
        let start = byteOffset
        let padding = -count & 3
        guard count <= remainingByteCount - padding else {
            throw truncated(needing: count + padding)
        }
        position = start + count + padding
        if requiresZeroPadding {
            for offset in start + count..<byteOffset {
                let byte = bytes.loadBigEndian(at: offset, as: UInt8.self)
                guard byte == 0 else {
                    throw XDRError(.nonZeroPadding, at: offset, found: Int(byte))
                }
            }
        }
        return start
    }

    /// Reads `opaque[count]` (RFC 4506, section 4.9).
    ///
    /// - Throws: `XDRError` with code `truncated` or `nonZeroPadding`.
    public mutating func decodeFixedOpaque(count: Int) throws(XDRError) -> [UInt8] {
        let start = try take(count)
        return bytes.copy(from: start, count: count)
    }

    /// Reads `opaque<limit>` (RFC 4506, section 4.10).
    ///
    /// - Throws: `XDRError` with code `overLimit`, `truncated` or `nonZeroPadding`.
    public mutating func decodeOpaque(limit: Int) throws(XDRError) -> [UInt8] {
        let count = try decodeCount(limit: limit, minimumByteCount: 1)
        return try decodeFixedOpaque(count: count)
    }

    /// Reads `opaque<limit>` in place: a view of the memory, without a copy.
    ///
    /// - Throws: `XDRError` with code `overLimit`, `truncated` or `nonZeroPadding`.
    @_lifetime(copy self)
    public mutating func decodeOpaqueView(limit: Int) throws(XDRError) -> RawSpan {
        let count = try decodeCount(limit: limit, minimumByteCount: 1)
        let start = try take(count)
        return bytes.extracting(start..<start + count)
    }

    /// Reads `string<limit>` (RFC 4506, section 4.11).
    ///
    /// - Throws: `XDRError` with code `overLimit`, `truncated` or `nonZeroPadding`.
    public mutating func decodeString(limit: Int) throws(XDRError) -> XDRString {
        let count = try decodeCount(limit: limit, minimumByteCount: 1)
        let start = try take(count)
        if let text = bytes.text(from: start, count: count) { return XDRString(text) }
        return XDRString(bytes: bytes.copy(from: start, count: count))
    }

    /// Reads `T[count]` (RFC 4506, section 4.12).
    ///
    /// - Throws: `XDRError` with code `truncated`, or what an element throws.
    @inlinable
    public mutating func decodeFixedArray<T: XDRDecodable>(
        of type: T.Type, count: Int
    ) throws(XDRError) -> [T] {
        try check(count: count, minimumByteCount: T.minimumByteCount)
        var elements: [T] = []
        elements.reserveCapacity(count)
        for _ in 0..<count { elements.append(try T(from: &self)) }
        return elements
    }

    /// Reads `T<limit>` (RFC 4506, section 4.13).
    ///
    /// - Throws: `XDRError` with code `overLimit` or `truncated`, or what an element throws.
    @inlinable
    public mutating func decodeArray<T: XDRDecodable>(
        of type: T.Type, limit: Int
    ) throws(XDRError) -> [T] {
        let count = try decodeCount(limit: limit, minimumByteCount: T.minimumByteCount)
        return try decodeFixedArray(of: type, count: count)
    }

    /// Reads `*T`: whether there is a value, and the value (RFC 4506, section 4.19).
    ///
    /// A list that is declared as nested options is read by recursion; its depth is bounded, so
    /// that a peer cannot exhaust the stack.
    ///
    /// - Throws: `XDRError` with code `truncated`, `invalidBoolean` or `tooDeep`, or what the value
    ///   throws.
    @inlinable
    public mutating func decodeOptional<T: XDRDecodable>(
        _ type: T.Type
    ) throws(XDRError) -> T? {
        guard try decodeBool() else { return nil }
        guard optionalDepth < XDR.mostNestedOptionals else {
            throw XDRError(
                .tooDeep, at: byteOffset - 4, found: optionalDepth + 1,
                bound: XDR.mostNestedOptionals)
        }
        optionalDepth += 1
        let value = try T(from: &self)
        optionalDepth -= 1
        return value
    }

    /// Reads an optional string (RFC 4506, section 4.19).
    ///
    /// - Throws: `XDRError` with code `truncated`, `invalidBoolean`, `overLimit` or
    ///   `nonZeroPadding`.
    public mutating func decodeOptionalString(limit: Int) throws(XDRError) -> XDRString? {
        try decodeBool() ? try decodeString(limit: limit) : nil
    }

    /// Reads a variable-length array of `string<elementLimit>`.
    ///
    /// - Throws: `XDRError` with code `truncated`, `overLimit` or `nonZeroPadding`.
    public mutating func decodeStringArray(
        limit: Int, elementLimit: Int
    ) throws(XDRError) -> [XDRString] {
        let count = try decodeCount(limit: limit, minimumByteCount: 4)
        var strings: [XDRString] = []
        strings.reserveCapacity(count)
        for _ in 0..<count { strings.append(try decodeString(limit: elementLimit)) }
        return strings
    }

    /// Reads `char[count]` as rpcgen has it: 4 bytes for each.
    ///
    /// C peers extend the sign or not, as their `char` has one or not; both are accepted.
    ///
    /// - Throws: `XDRError` with code `truncated` or `outOfRange`.
    public mutating func decodeFixedChars(count: Int) throws(XDRError) -> [UInt8] {
        try check(count: count, minimumByteCount: 4)
        var chars: [UInt8] = []
        chars.reserveCapacity(count)
        for _ in 0..<count {
            let value = try decodeInt32()
            guard (-128...255).contains(value) else {
                throw XDRError(
                    .outOfRange, at: byteOffset - 4, found: Int(value), subject: "char")
            }
            chars.append(UInt8(truncatingIfNeeded: value))
        }
        return chars
    }

    /// Reads `char<limit>` as rpcgen has it: a count, then 4 bytes for each.
    ///
    /// - Throws: `XDRError` with code `overLimit`, `truncated` or `outOfRange`.
    public mutating func decodeChars(limit: Int) throws(XDRError) -> [UInt8] {
        let count = try decodeCount(limit: limit, minimumByteCount: 4)
        return try decodeFixedChars(count: count)
    }

    /// The error for the discriminant read last, which selects no arm of `union` (RFC 4506,
    /// section 4.15).
    public func invalidDiscriminant(_ value: Int32, of union: String) -> XDRError {
        XDRError(.invalidDiscriminant, at: byteOffset - 4, found: Int(value), subject: union)
    }
}

/// A value of `opaque[count]` (RFC 4506, section 4.9), stored in place, without an allocation.
public struct XDRFixedOpaque<let count: Int>: Sendable {
    /// The bytes, without the padding that follows them on the wire.
    public var elements: InlineArray<count, UInt8>

    /// The value with these bytes.
    public init(_ elements: InlineArray<count, UInt8>) {
        self.elements = elements
    }

    /// The value with these bytes, or nil when their number is not `count`.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == count else { return nil }
        elements = InlineArray { bytes[$0] }
    }

    /// All bytes zero.
    public init() {
        elements = InlineArray(repeating: 0)
    }

    /// The bytes as an array.
    public var bytes: [UInt8] { elements.indices.map { elements[$0] } }
}

extension XDRFixedOpaque: Hashable {
    /// Whether both hold the same bytes.
    public static func == (left: Self, right: Self) -> Bool {
        for index in left.elements.indices where left.elements[index] != right.elements[index] {
            return false
        }
        return true
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for index in elements.indices { hasher.combine(elements[index]) }
    }
}

extension XDRFixedOpaque: XDREncodable, XDRDecodable {
    /// The bytes and their padding.
    @inlinable
    public static var minimumByteCount: Int { (count + 3) & ~3 }

    /// Writes the bytes and their padding.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encodeFixedOpaque(elements.span.rawSpan, count: count)
    }

    /// Reads `count` bytes and their padding.
    ///
    /// - Throws: `XDRError` with code `truncated` or `nonZeroPadding`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        let start = try decoder.take(count)
        elements = InlineArray(repeating: 0)
        for index in elements.indices {
            elements[index] = decoder.bytes.loadBigEndian(at: start + index, as: UInt8.self)
        }
    }
}

extension XDRFixedOpaque: CustomStringConvertible {
    /// The bytes in hexadecimal.
    public var description: String {
        let digits = Array("0123456789abcdef")
        return String(
            bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

/// A value of XDR's `quadruple`: IEEE quadruple precision, 16 bytes (RFC 4506, section 4.8).
///
/// Swift has no such number on Linux, so this holds its bits: sign (1), exponent (15, bias 16383),
/// fraction (112).
public struct XDRQuadruple: Hashable, Sendable {
    /// The bits, sign first.
    public var bitPattern: UInt128

    /// The number with these bits.
    public init(bitPattern: UInt128) {
        self.bitPattern = bitPattern
    }

    /// The number's value, which quadruple precision always holds exactly.
    public init(_ value: Double) {
        let sign: UInt128 = value.sign == .minus ? 1 << 127 : 0
        guard value.isFinite, value != 0 else {
            let special: UInt128 = value == 0 ? 0 : 0x7FFF << 112
            let payload = value.isNaN ? UInt128(value.significandBitPattern) << 60 : 0
            self.init(bitPattern: sign | special | payload)
            return
        }
        // A subnormal's leading bit is moved up to where a normal number implies it.
        let shift = value.isNormal ? 0 : value.significandBitPattern.leadingZeroBitCount - 11
        let fraction = (value.significandBitPattern << shift) & ((1 << 52) - 1)
        let exponent = UInt128(16_383 + Int(value.exponent))
        self.init(bitPattern: sign | exponent << 112 | UInt128(fraction) << 60)
    }
}

extension XDRQuadruple: XDREncodable, XDRDecodable {
    /// Sixteen bytes.
    public static var minimumByteCount: Int { 16 }

    /// Writes a `quadruple`.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(UInt64(truncatingIfNeeded: bitPattern >> 64))
        try encoder.encode(UInt64(truncatingIfNeeded: bitPattern))
    }

    /// Reads a `quadruple`.
    ///
    /// - Throws: `XDRError` with code `truncated`.
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        let high = UInt128(try decoder.decodeUInt64())
        self.init(bitPattern: high << 64 | UInt128(try decoder.decodeUInt64()))
    }
}

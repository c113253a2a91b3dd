/// A value of an XDR `enum` (RFC 4506, section 4.3).
///
/// A Swift enum that conforms refuses numbers that it does not define, as the RFC asks. A structure
/// whose `init(rawValue:)` always succeeds keeps numbers that later versions of a protocol add.
public protocol XDREnumeration: RawRepresentable<Int32>, XDREncodable, XDRDecodable {}

extension XDREnumeration {
    /// Writes the value's number.
    ///
    /// - Throws: `XDRError` with code `noRoom`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(rawValue)
    }

    /// Reads a value's number.
    ///
    /// - Throws: `XDRError` with code `truncated` or `invalidEnumeration`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        let number = try decoder.decodeInt32()
        guard let value = Self(rawValue: number) else {
            throw decoder.invalidEnumeration(number, of: "\(Self.self)")
        }
        self = value
    }
}

extension XDRDecoder {
    /// The error for the number read last, which `enumeration` does not define.
    public func invalidEnumeration(_ value: Int32, of enumeration: String) -> XDRError {
        XDRError(.invalidEnumeration, at: byteOffset - 4, found: Int(value), subject: enumeration)
    }
}

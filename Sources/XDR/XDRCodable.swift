/// A value with a representation in XDR (RFC 4506).
public protocol XDREncodable {
    /// Appends the value's representation to what the encoder holds.
    ///
    /// - Throws: `XDRError` when the memory is full or a declared limit is exceeded.
    func encode(to encoder: inout XDREncoder) throws(XDRError)
}

/// A value that can be read from its representation in XDR (RFC 4506).
public protocol XDRDecodable {
    /// The fewest bytes that any value of this type takes.
    ///
    /// A decoder bounds the count of an array by it before it allocates. Four unless the type
    /// says otherwise, because XDR knows no item that is smaller; a type that may be empty must
    /// say 0, and a larger number makes the bound tighter.
    static var minimumByteCount: Int { get }

    /// Reads a value from the decoder's position on.
    ///
    /// - Throws: `XDRError` when the data are no representation of such a value.
    init(from decoder: inout XDRDecoder) throws(XDRError)
}

extension XDRDecodable {
    /// Four bytes, XDR's basic block (RFC 4506, section 3).
    @inlinable
    public static var minimumByteCount: Int { 4 }
}

/// A value that can be written in XDR and read again.
public typealias XDRCodable = XDREncodable & XDRDecodable

/// Whole values to and from arrays of bytes.
public enum XDR {
    /// The most optional values that may stand within each other (RFC 4506, section 4.19, builds
    /// lists of them): each takes a piece of the stack when it is written or read.
    public static let mostNestedOptionals = 1024

    /// The number of bytes that the value takes, always a multiple of four.
    ///
    /// - Parameter refusingNUL: refuse strings with a NUL, which a peer written in C would cut there.
    /// - Throws: `XDRError` when a declared limit is exceeded.
    @inlinable
    public static func byteCount(
        of value: some XDREncodable, refusingNUL: Bool = false
    ) throws(XDRError) -> Int {
        var encoder = XDREncoder.measuring(refusingNUL: refusingNUL)
        try value.encode(to: &encoder)
        return encoder.byteOffset
    }

    /// The value's representation.
    ///
    /// - Throws: `XDRError` when a declared limit is exceeded.
    @inlinable
    public static func encode(_ value: some XDREncodable) throws(XDRError) -> [UInt8] {
        var bytes: [UInt8] = []
        try encode(value, appendingTo: &bytes)
        return bytes
    }

    /// Appends the value's representation; on an error `bytes` is as it was before.
    ///
    /// - Throws: `XDRError`, with offsets that count from the first byte appended.
    public static func encode(
        _ value: some XDREncodable, appendingTo bytes: inout [UInt8]
    ) throws(XDRError) {
        let start = bytes.count
        let count = try byteCount(of: value)
        bytes.append(contentsOf: repeatElement(0, count: count))
        do throws(XDRError) {
            try write(value, into: &bytes, from: start)
        } catch {
            bytes.removeLast(bytes.count - start)
            throw error
        }
    }

    /// The value that `bytes` represent, all of them.
    ///
    /// - Parameter ignoringTrailingBytes: accept data that go on after the value.
    /// - Throws: `XDRError` when the data are no such value, or go on after it.
    @inlinable
    public static func decode<T: XDRDecodable>(
        _ type: T.Type, from bytes: RawSpan, ignoringTrailingBytes: Bool = false
    ) throws(XDRError) -> T {
        var decoder = XDRDecoder(bytes)
        let value = try T(from: &decoder)
        if !ignoringTrailingBytes { try decoder.finish() }
        return value
    }

    /// The value that `bytes` represent, all of them.
    ///
    /// - Parameter ignoringTrailingBytes: accept data that go on after the value.
    /// - Throws: `XDRError` when the data are no such value, or go on after it.
    @inlinable
    public static func decode<T: XDRDecodable>(
        _ type: T.Type, from bytes: [UInt8], ignoringTrailingBytes: Bool = false
    ) throws(XDRError) -> T {
        try decode(type, from: bytes.span.rawSpan, ignoringTrailingBytes: ignoringTrailingBytes)
    }
}

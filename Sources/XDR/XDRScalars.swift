// The scalars as elements of arrays and as optional data; within a structure their encode and
// decode calls are direct.

extension Int32: XDREncodable, XDRDecodable {
    /// Writes an `int`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads an `int`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeInt32()
    }
}

extension UInt32: XDREncodable, XDRDecodable {
    /// Writes an `unsigned int`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads an `unsigned int`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeUInt32()
    }
}

extension Int64: XDREncodable, XDRDecodable {
    /// Eight bytes.
    @inlinable
    public static var minimumByteCount: Int { 8 }

    /// Writes a `hyper`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads a `hyper`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeInt64()
    }
}

extension UInt64: XDREncodable, XDRDecodable {
    /// Eight bytes.
    @inlinable
    public static var minimumByteCount: Int { 8 }

    /// Writes an `unsigned hyper`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads an `unsigned hyper`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeUInt64()
    }
}

extension Bool: XDREncodable, XDRDecodable {
    /// Writes a `bool`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads a `bool`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeBool()
    }
}

extension Float: XDREncodable, XDRDecodable {
    /// Writes a `float`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads a `float`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeFloat()
    }
}

extension Double: XDREncodable, XDRDecodable {
    /// Eight bytes.
    @inlinable
    public static var minimumByteCount: Int { 8 }

    /// Writes a `double`.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(self)
    }

    /// Reads a `double`.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {
        self = try decoder.decodeDouble()
    }
}

/// No arguments, or no result: XDR's `void`, zero bytes (RFC 4506, section 4.16).
public struct XDRVoid: XDREncodable, XDRDecodable, Hashable, Sendable {
    /// The only value.
    public init() {}

    /// Zero: there is nothing to read.
    @inlinable
    public static var minimumByteCount: Int { 0 }

    /// Writes nothing.
    @inlinable
    public func encode(to encoder: inout XDREncoder) throws(XDRError) {}

    /// Reads nothing.
    @inlinable
    public init(from decoder: inout XDRDecoder) throws(XDRError) {}
}

/// A remote procedure: its place in a program, and the types of its arguments and its result
/// (RFC 5531, section 8.1).
///
/// An event is a procedure that the server calls: its message is the arguments, and it has no
/// result.
public struct XDRProcedure<
    Arguments: XDREncodable & XDRDecodable & Sendable,
    Result: XDREncodable & XDRDecodable & Sendable
>: Sendable {
    /// The program's number.
    public let program: UInt32
    /// The program's version.
    public let version: UInt32
    /// The procedure's number within the program.
    public let number: Int32
    /// The procedure's name, as the protocol's description has it.
    public let name: String

    /// A procedure as the protocol's description defines it.
    public init(program: UInt32, version: UInt32, number: Int32, name: String) {
        self.program = program
        self.version = version
        self.number = number
        self.name = name
    }
}

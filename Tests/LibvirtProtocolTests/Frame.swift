import LibvirtProtocol
import Testing
import XDR

/// A frame as it was seen on the wire of libvirtd 9.0.0, in hexadecimal, a field to a line with
/// what it is behind `//`.
struct Frame {
    let length: UInt32
    let header: virNetMessageHeader
    let payload: [UInt8]

    init(_ text: String) throws {
        let digits = text.split(separator: "\n").map { line in
            line.firstRange(of: "//").map { line[..<$0.lowerBound] } ?? line
        }.joined()
        let nibbles = digits.compactMap(\.hexDigitValue)
        try #require(nibbles.count % 2 == 0)
        let bytes = stride(from: 0, to: nibbles.count, by: 2).map {
            UInt8(nibbles[$0] << 4 | nibbles[$0 + 1])
        }
        length = try XDR.decode(UInt32.self, from: [UInt8](bytes.prefix(4)))
        header = try XDR.decode(virNetMessageHeader.self, from: [UInt8](bytes[4..<28]))
        payload = [UInt8](bytes[28...])
        try #require(Int(length) == bytes.count)
    }

    /// The payload as a value, after a check that it is written again as it came.
    func value<T: WireType>(_ type: T.Type) throws -> T {
        let value = try XDR.decode(type, from: payload)
        #expect(try XDR.encode(value) == payload)
        return value
    }
}

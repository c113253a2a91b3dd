import Testing
import XDR

/// A list as RFC 4506, section 4.19, declares it: a value and perhaps another node.
private final class Node: XDRCodable {
    let value: UInt32
    let next: Node?

    init(_ value: UInt32, _ next: Node?) {
        self.value = value
        self.next = next
    }

    init(from decoder: inout XDRDecoder) throws(XDRError) {
        value = try decoder.decodeUInt32()
        next = try decoder.decodeOptional(Node.self)
    }

    func encode(to encoder: inout XDREncoder) throws(XDRError) {
        try encoder.encode(value)
        try encoder.encodeOptional(next)
    }
}

@Suite("Values within each other, and strings with a NUL") struct NestingTests {
    /// A list of so many nodes as a peer may write it.
    private func list(_ count: Int) -> [UInt8] {
        Array(repeatElement([0, 0, 0, 7, 0, 0, 0, 1], count: count - 1).joined())
            + [0, 0, 0, 7, 0, 0, 0, 0]
    }

    @Test("a list as long as allowed comes back the same") func longest() throws {
        let bytes = list(XDR.mostNestedOptionals + 1)
        #expect(try XDR.encode(XDR.decode(Node.self, from: bytes)) == bytes)
    }

    @Test("a longer one is an error, and no exhausted stack", arguments: [1026, 2_000_000])
    func tooLong(_ count: Int) {
        let error = #expect(throws: XDRError.self) {
            try XDR.decode(Node.self, from: list(count))
        }
        #expect(error?.code == .tooDeep)
        #expect(error?.byteOffset == 8 * XDR.mostNestedOptionals + 4)
    }

    @Test("our own list that is too long is an error as well") func tooLongToWrite() {
        var node = Node(0, nil)
        for value in 0...XDR.mostNestedOptionals { node = Node(UInt32(value), node) }
        #expect(throws: XDRError.self) { try XDR.encode(node) }
    }

    @Test("a string with a NUL is measured, or refused on request") func embeddedNUL() throws {
        struct Name: XDREncodable {
            let name: XDRString
            func encode(to encoder: inout XDREncoder) throws(XDRError) {
                try encoder.encodeString(name, limit: 64)
            }
        }
        for name in [XDRString("vm1\0evil"), XDRString(bytes: [0xFF, 0x31, 0x32, 0, 0x33])] {
            #expect(try XDR.byteCount(of: Name(name: name)) > 4)
            let error = #expect(throws: XDRError.self) {
                try XDR.byteCount(of: Name(name: name), refusingNUL: true)
            }
            #expect(error?.code == .embeddedNUL)
            #expect(error?.found == 3)
        }
    }
}

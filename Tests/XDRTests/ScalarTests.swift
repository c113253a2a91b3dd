import Testing
import XDR

@Suite("Scalars")
struct ScalarTests {
    @Test("rpcgen's narrow integers take four bytes each, and keep their sign")
    func narrow() throws {
        let bytes = try encoded { encoder throws(XDRError) in
            try encoder.encode(-1 as Int8)
            try encoder.encode(200 as UInt8)
            try encoder.encode(-300 as Int16)
            try encoder.encode(60_000 as UInt16)
        }
        #expect(bytes == hex("ffffffff 000000c8 fffffed4 0000ea60"))
        try decoded(bytes) { decoder throws(XDRError) in
            #expect(try decoder.decodeInt8() == -1)
            #expect(try decoder.decodeUInt8() == 200)
            #expect(try decoder.decodeInt16() == -300)
            #expect(try decoder.decodeUInt16() == 60_000)
        }
    }

    @Test("a number that its narrow type cannot hold is refused")
    func outOfRange() throws {
        let char = try #require(
            failure(hex("00000080")) { d throws(XDRError) in try d.decodeInt8() })
        #expect(char.code == .outOfRange)
        #expect(char.found == 128)
        #expect(char.subject == "char")
        let byte = failure(hex("ffffffff")) { d throws(XDRError) in try d.decodeUInt8() }
        #expect(byte?.code == .outOfRange)
        let short = failure(hex("00008000")) { d throws(XDRError) in try d.decodeInt16() }
        #expect(short?.code == .outOfRange)
        let word = failure(hex("00010000")) { d throws(XDRError) in try d.decodeUInt16() }
        #expect(word?.code == .outOfRange)
        let chars = failure(hex("00000100")) { d throws(XDRError) in
            try d.decodeFixedChars(count: 1)
        }
        #expect(chars?.code == .outOfRange)
    }

    @Test("characters may come with their sign extended or not")
    func chars() throws {
        let read = try decoded(hex("00000003 00000041 000000e9 ffffffe9")) { d throws(XDRError) in
            try d.decodeChars(limit: 3)
        }
        #expect(read == [0x41, 0xE9, 0xE9])
        let bytes = try encoded { encoder throws(XDRError) in
            try encoder.encodeChars(read, limit: 3)
        }
        #expect(bytes == hex("00000003 00000041 ffffffe9 ffffffe9"))
    }

    @Test("a boolean is 0 or 1")
    func bool() {
        let error = failure(hex("00000000 00000002")) { decoder throws(XDRError) in
            _ = try decoder.decodeBool()
            return try decoder.decodeBool()
        }
        #expect(error?.code == .invalidBoolean)
        #expect(error?.byteOffset == 4)
        #expect(error?.description == "XDR error at byte 4: expected 0 or 1, found 2")
    }

    @Test("numbers that are not numbers keep their bits")
    func notANumber() throws {
        let pattern: UInt64 = 0x7FF8_0000_DEAD_BEEF
        let bytes = try XDR.encode(Double(bitPattern: pattern))
        #expect(bytes == hex("7ff80000 deadbeef"))
        #expect(try XDR.decode(Double.self, from: bytes).bitPattern == pattern)
        let quadruple = XDRQuadruple(Double.nan)
        #expect(quadruple.bitPattern >> 112 == 0x7FFF)
        #expect(quadruple.bitPattern << 16 != 0)
    }

    @Test("void takes no bytes")
    func void() throws {
        #expect(try XDR.encode(XDRVoid()).isEmpty)
        #expect(try XDR.decode(XDRVoid.self, from: []) == XDRVoid())
    }

    enum Colour: Int32, XDREnumeration { case red = 2, green = 3 }

    struct Open: XDREnumeration, Equatable { var rawValue: Int32 }

    @Test("an enumeration refuses what it does not define, or keeps it if it is open")
    func enumerations() throws {
        #expect(try XDR.encode(Colour.green) == hex("00000003"))
        #expect(try XDR.decode(Colour.self, from: hex("00000002")) == .red)
        let error = failure(hex("00000007")) { d throws(XDRError) in try Colour(from: &d) }
        #expect(error?.code == .invalidEnumeration)
        #expect(
            error?.description == "XDR error at byte 0: expected a value of enum Colour, found 7")
        #expect(try XDR.decode(Open.self, from: hex("00000007")).rawValue == 7)
    }
}

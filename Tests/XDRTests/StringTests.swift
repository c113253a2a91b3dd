import Testing
import XDR

@Suite("Strings and opaque data")
struct StringTests {
    @Test("bytes that are no text come through unchanged")
    func lossless() throws {
        let bytes: [UInt8] = [0x61, 0xFF, 0xFE, 0x00, 0xC3]
        let string = XDRString(bytes: bytes)
        #expect(string.validText == nil)
        #expect(string.text == "a\u{FFFD}\u{FFFD}\0\u{FFFD}")
        #expect(string.bytes == bytes)
        #expect(!string.isEmpty)
        let wire = try encoded { e throws(XDRError) in try e.encodeString(string, limit: 5) }
        #expect(wire == hex("00000005 61fffe00 c3000000"))
        let read = try decoded(wire) { d throws(XDRError) in try d.decodeString(limit: 5) }
        #expect(read == string)
        #expect(read.hashValue == string.hashValue)
    }

    @Test("strings are equal when their bytes are")
    func equality() {
        let composed: XDRString = "\u{E9}"
        let decomposed: XDRString = "e\u{301}"
        #expect(composed.text == decomposed.text)
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, XDRString(bytes: [0xC3, 0xA9])]).count == 2)
        #expect(XDRString(bytes: [0xFF]) != XDRString(bytes: [0xFE]))
        #expect(XDRString(bytes: [0xFF]) != "\u{FFFD}")
        #expect(XDRString("").isEmpty)
        #expect("\(XDRString("name"))" == "name")
    }

    @Test("an optional string is there or not, which is not the same as empty")
    func optional() throws {
        for value: XDRString? in [nil, "", "abc"] {
            let wire = try encoded { e throws(XDRError) in
                try e.encodeOptionalString(value, limit: 3)
            }
            let read = try decoded(wire) { d throws(XDRError) in
                try d.decodeOptionalString(limit: 3)
            }
            #expect(read == value)
        }
    }

    @Test("opaque data of a fixed length are stored in place")
    func fixedOpaque() throws {
        let bytes: [UInt8] = [1, 2, 3, 4, 5]
        let value = try #require(XDRFixedOpaque<5>(bytes))
        #expect(try XDR.encode(value) == hex("01020304 05000000"))
        #expect(try XDR.decode(XDRFixedOpaque<5>.self, from: hex("01020304 05000000")) == value)
        #expect(value.bytes == bytes)
        #expect("\(value)" == "0102030405")
        #expect(XDRFixedOpaque<5>([1]) == nil)
        #expect(XDRFixedOpaque<5>() != value)
        #expect(Set([value, XDRFixedOpaque<5>()]).count == 2)
        #expect(XDRFixedOpaque<5>.minimumByteCount == 8)
        let error = failure(hex("01020304 0500")) { d throws(XDRError) in
            try XDRFixedOpaque<5>(from: &d)
        }
        #expect(error?.code == .truncated)
    }
}

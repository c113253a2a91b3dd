import Testing
import XDR

@Suite("Limits and room")
struct LimitTests {
    /// The error that `body` throws with memory enough.
    private func refusal(
        _ body: (inout XDREncoder) throws(XDRError) -> Void
    ) -> XDRError? {
        guard case .failure(let error) = written(into: 100, body) else { return nil }
        return error
    }

    @Test("what is longer than declared is not written")
    func encodingLimits() {
        let errors = [
            refusal { e throws(XDRError) in try e.encodeOpaque([1, 2, 3], limit: 2) },
            refusal { e throws(XDRError) in try e.encodeString("abc", limit: 2) },
            refusal { e throws(XDRError) in
                try e.encodeString(XDRString(bytes: [255, 1, 2]), limit: 2)
            },
            refusal { e throws(XDRError) in try e.encodeOptionalString("abc", limit: 2) },
            refusal { e throws(XDRError) in try e.encodeChars([1, 2, 3], limit: 2) },
            refusal { e throws(XDRError) in try e.encodeArray([1, 2, 3] as [Int32], limit: 2) },
            refusal { e throws(XDRError) in
                try e.encodeStringArray(["a", "b", "c"], limit: 2, elementLimit: 1)
            },
        ]
        for error in errors {
            #expect(error?.code == .overLimit)
            #expect(error?.found == 3)
            #expect(error?.bound == 2)
        }
    }

    @Test("what has another length than declared is not written")
    func encodingCounts() {
        let errors = [
            refusal { e throws(XDRError) in try e.encodeFixedOpaque([1, 2, 3], count: 4) },
            refusal { e throws(XDRError) in try e.encodeFixedChars([1, 2, 3], count: 2) },
            refusal { e throws(XDRError) in
                try e.encodeFixedArray([1, 2, 3] as [Int32], count: 4)
            },
        ]
        for error in errors {
            #expect(error?.code == .wrongCount)
            #expect(error?.found == 3)
        }
    }

    @Test("what is longer than declared is not read")
    func decodingLimits() {
        let bytes = hex("00000003 61626300 00000000 00000000")
        let errors = [
            failure(bytes) { d throws(XDRError) in try d.decodeOpaque(limit: 2) },
            failure(bytes) { d throws(XDRError) in try d.decodeString(limit: 2) },
            failure(bytes) { d throws(XDRError) in try d.decodeChars(limit: 2) },
            failure(bytes) { d throws(XDRError) in try d.decodeArray(of: Int32.self, limit: 2) },
            failure(bytes) { d throws(XDRError) in
                try d.decodeStringArray(limit: 2, elementLimit: 9)
            },
            failure(bytes) { d throws(XDRError) in try d.decodeOpaqueView(limit: 2).byteCount },
        ]
        for error in errors {
            #expect(error?.code == .overLimit)
            #expect(error?.byteOffset == 0)
            #expect(error?.found == 3)
            #expect(error?.bound == 2)
        }
    }

    @Test("a view is of the bytes in place")
    func view() throws {
        let bytes = hex("00000003 61626300 00000001")
        try decoded(bytes) { decoder throws(XDRError) in
            let view = try decoder.decodeOpaqueView(limit: 8)
            #expect(view.byteCount == 3)
            // SAFETY: a byte at offset 2 of three, read as a byte.
            #expect(unsafe view.unsafeLoad(fromByteOffset: 2, as: UInt8.self) == 0x63)
            #expect(try decoder.decodeUInt32() == 1)
        }
    }

    @Test("padding that is not zero is passed over, unless asked for", arguments: 1...3)
    func padding(_ count: Int) throws {
        var bytes: [UInt8] = [0, 0, 0, UInt8(count)] + [UInt8](repeating: 0x61, count: count)
        bytes += [UInt8](repeating: 0, count: 3 - count) + [7]
        let text = try decoded(bytes) { d throws(XDRError) in try d.decodeString(limit: 4) }
        #expect(text.text == String(repeating: "a", count: count))
        let error = failure(bytes, strict: true) { d throws(XDRError) in
            try d.decodeString(limit: 4)
        }
        #expect(error?.code == .nonZeroPadding)
        #expect(error?.byteOffset == 7)
        #expect(error?.found == 7)
    }

    @Test("an encoder never writes beyond its memory", arguments: 0..<44)
    func room(_ count: Int) {
        let result = written(into: count) { encoder throws(XDRError) in
            try encoder.encode(1 as UInt32)
            try encoder.encode(2 as Int64)
            try encoder.encodeString("abcde", limit: 5)
            try encoder.encodeArray([1, 2, 3] as [Int32], limit: 3)
            try encoder.encodeOptional(XDRQuadruple?.none)
        }
        guard case .failure(let error) = result else {
            Issue.record("44 bytes fitted into \(count)")
            return
        }
        #expect(error.code == .noRoom)
        #expect(error.byteOffset <= count)
        #expect(error.byteOffset + error.found == count)
    }

    @Test("a failed append leaves the bytes as they were")
    func append() throws {
        var bytes: [UInt8] = [9]
        #expect(throws: XDRError.self) {
            try XDR.encode(TooLong(), appendingTo: &bytes)
        }
        #expect(bytes == [9])
        try XDR.encode(7 as UInt32, appendingTo: &bytes)
        #expect(bytes == [9, 0, 0, 0, 7])
    }

    @Test("a value that changes its size between measuring and writing is refused")
    func unsteady() {
        #expect(throws: XDRError.self) { try XDR.encode(Unsteady(first: 8, second: 4)) }
        #expect(throws: XDRError.self) { try XDR.encode(Unsteady(first: 4, second: 8)) }
    }

    @Test("what is left to read is known at each step")
    func remaining() throws {
        let counts = try decoded(hex("00000001 0000000000000002")) { d throws(XDRError) in
            var counts = [d.remainingByteCount]
            _ = try d.decodeUInt32()
            counts.append(d.remainingByteCount)
            _ = try d.decodeUInt64()
            return counts + [d.remainingByteCount]
        }
        #expect(counts == [12, 8, 0])
    }

    @Test("data that go on are refused or ignored, as one asks")
    func trailing() throws {
        let bytes = hex("00000001 0000")
        let error = #expect(throws: XDRError.self) { try XDR.decode(UInt32.self, from: bytes) }
        #expect(error?.code == .trailingBytes)
        #expect(error?.byteOffset == 4)
        #expect(error?.found == 2)
        #expect(try XDR.decode(UInt32.self, from: bytes, ignoringTrailingBytes: true) == 1)
    }

    struct TooLong: XDREncodable {
        func encode(to encoder: inout XDREncoder) throws(XDRError) {
            try encoder.encode(true)
            try encoder.encodeOpaque([1, 2], limit: 1)
        }
    }

    final class Unsteady: XDREncodable {
        var sizes: [Int]

        init(first: Int, second: Int) { sizes = [first, second] }

        func encode(to encoder: inout XDREncoder) throws(XDRError) {
            let size = sizes.removeFirst()
            try encoder.encodeFixedOpaque([UInt8](repeating: 1, count: size), count: size)
        }
    }
}

import Foundation
import Testing
import XDR

@Suite("Properties")
struct PropertyTests {
    /// A random shape, a value of it, the value's bytes, and where counts stand among them.
    struct Sample {
        var shape: Shape
        var value: Value
        var bytes: [UInt8] = []
        var counts: [Int] = []

        init(using random: inout SeededGenerator) throws(XDRError) {
            shape = .random(depth: 3, using: &random)
            value = shape.value(using: &random)
            var measured: [Int] = []
            var written: [Int] = []
            var measure = XDREncoder.measuring()
            try value.encode(as: shape, to: &measure, counts: &measured)
            bytes = try XDRTests.written(into: measure.byteOffset) { encoder throws(XDRError) in
                try value.encode(as: shape, to: &encoder, counts: &written)
            }.get()
            #expect(measured == written)
            counts = written
        }
    }

    @Test("what was written is read again, and nothing is left")
    func identity() throws {
        var random = SeededGenerator("identity")
        for _ in 0..<2_000 {
            let sample = try Sample(using: &random)
            #expect(sample.bytes.count % 4 == 0)
            #expect(sample.bytes.count >= sample.shape.minimumByteCount)
            let read = try decoded(sample.bytes, strict: true) { decoder throws(XDRError) in
                try sample.shape.decode(from: &decoder)
            }
            #expect(read == sample.value)
        }
    }

    @Test("every truncation is an error that says where")
    func truncation() throws {
        var random = SeededGenerator("truncation")
        for _ in 0..<300 {
            let sample = try Sample(using: &random)
            for count in sample.bytes.indices {
                let error = failure([UInt8](sample.bytes[..<count])) { d throws(XDRError) in
                    try sample.shape.decode(from: &d)
                }
                #expect(error?.code == .truncated)
                #expect((error?.byteOffset ?? .max) <= count)
            }
        }
    }

    @Test("every flipped bit of a count is an error, where the count stands alone")
    func flippedCounts() throws {
        let limit = Int(UInt32.max)
        let shapes: [Shape] = [
            .chars(limit: limit), .array(.int, limit: limit),
            .array(.string(limit: 9), limit: limit),
            .string(limit: limit), .opaque(limit: limit),
        ]
        for (index, shape) in shapes.enumerated() {
            for count in 0...40 {
                let bytes = try encoded { encoder throws(XDRError) in
                    var ignored: [Int] = []
                    try shape.uniform(count).encode(as: shape, to: &encoder, counts: &ignored)
                }
                for bit in 0..<32 {
                    var flipped = bytes
                    flipped[3 - bit / 8] ^= 1 << (bit % 8)
                    let error = failure(flipped) { d throws(XDRError) in
                        try shape.decode(from: &d)
                    }
                    // Bytes that take the place of padding make another value of the same size.
                    let hidesInPadding =
                        index > 2 && ((count ^ 1 << bit) + 3) / 4 == (count + 3) / 4
                    #expect((error == nil) == hidesInPadding)
                }
            }
        }
    }

    @Test("a count that the bytes left cannot hold is an error before anything is made")
    func hugeCounts() throws {
        var random = SeededGenerator("hugeCounts")
        for _ in 0..<1_000 {
            let sample = try Sample(using: &random)
            for offset in sample.counts {
                var bytes = sample.bytes
                // At least 2^24: more than any limit or sample has.
                bytes[offset] = .random(in: 1...255, using: &random)
                let error = failure(bytes) { d throws(XDRError) in
                    try sample.shape.decode(from: &d)
                }
                #expect(error?.byteOffset == offset)
                #expect(error?.code == .overLimit)
            }
        }
    }

    @Test("changed bytes are read or refused, and never end the program")
    func mutations() throws {
        var random = SeededGenerator("mutations")
        var refused = 0
        for _ in 0..<1_000 {
            let sample = try Sample(using: &random)
            guard !sample.bytes.isEmpty else { continue }
            for _ in 0..<20 {
                var bytes = sample.bytes
                for _ in 0...Int.random(in: 0..<4, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    bytes[index] = .random(in: 0...255, using: &random)
                }
                let error = failure(bytes) { d throws(XDRError) in
                    try sample.shape.decode(from: &d)
                }
                if let error {
                    refused += 1
                    #expect((0...bytes.count).contains(error.byteOffset))
                }
            }
        }
        #expect(refused > 0)
    }
}

extension Shape {
    /// A value of that many equal elements.
    func uniform(_ count: Int) -> Value {
        switch self {
        case .string: .string(XDRString(bytes: [UInt8](repeating: 0x61, count: count)))
        case .opaque, .chars: .bytes([UInt8](repeating: 0x61, count: count))
        case .array(.int, _): .list([Value](repeating: .number(-1), count: count))
        default: .list([Value](repeating: .string("a"), count: count))
        }
    }
}

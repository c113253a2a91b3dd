import Foundation
import Testing
import XDR

/// Compares with what other implementations write: Python's xdrlib, and the C compiler's
/// quadruples. `Fixtures/vectors.py` tells how the vectors were made.
@Suite("Vectors of other implementations")
struct VectorTests {
    struct Vector: CustomStringConvertible {
        var kind: String
        var value: String
        var bytes: [UInt8]

        var description: String { "\(kind) \(value)" }
    }

    static let vectors: [Vector] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/vectors.hex")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { line in
            let columns = line.split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            guard columns.count == 3 else { return nil }
            return Vector(kind: columns[0], value: columns[1], bytes: hex(columns[2]))
        }
    }()

    @Test("all vectors were read")
    func count() {
        #expect(Self.vectors.count == 172)
    }

    @Test("we write and read the same bytes", arguments: vectors)
    func vector(_ vector: Vector) throws {
        let check = Check(bytes: vector.bytes)
        let text = vector.value
        switch vector.kind {
        case "int": try check.value(Int32(text))
        case "uint": try check.value(UInt32(text))
        case "hyper": try check.value(Int64(text))
        case "uhyper": try check.value(UInt64(text))
        case "bool": try check.value(text == "1")
        case "float": try check.value(Float(text))
        case "double": try check.value(Double(text))
        case "quadruple": try check.value(Double(text).map { XDRQuadruple($0) })
        case "string": try check.string(XDRString(bytes: hex(text)))
        case "opaque": try check.opaque(hex(text))
        case "fopaque": try check.fixedOpaque(hex(text))
        case "array": try check.array(text.split(separator: ",").compactMap { Int32($0) })
        case "farray": try check.fixedArray(text.split(separator: ",").compactMap { Int32($0) })
        case "opaques": try check.strings(text.split(separator: ",").map { hex($0) })
        default: Issue.record("unknown kind of vector: \(vector.kind)")
        }
    }
}

private struct Check {
    let bytes: [UInt8]

    func value<T: XDREncodable & XDRDecodable & Equatable>(_ value: T?) throws {
        let value = try #require(value)
        #expect(try XDR.encode(value) == bytes)
        #expect(try XDR.decode(T.self, from: bytes) == value)
    }

    func string(_ value: XDRString) throws {
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeString(value, limit: 64)
            } == bytes)
        let read = try decoded(bytes) { decoder throws(XDRError) in
            try decoder.decodeString(limit: 64)
        }
        #expect(read == value)
    }

    func opaque(_ value: [UInt8]) throws {
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeOpaque(value, limit: 65)
            } == bytes)
        let read = try decoded(bytes, strict: true) { decoder throws(XDRError) in
            try decoder.decodeOpaque(limit: 65)
        }
        #expect(read == value)
    }

    func fixedOpaque(_ value: [UInt8]) throws {
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeFixedOpaque(value, count: value.count)
            } == bytes)
        let read = try decoded(bytes, strict: true) { decoder throws(XDRError) in
            try decoder.decodeFixedOpaque(count: value.count)
        }
        #expect(read == value)
    }

    func array(_ values: [Int32]) throws {
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeArray(values, limit: 7)
            } == bytes)
        let read = try decoded(bytes) { decoder throws(XDRError) in
            try decoder.decodeArray(of: Int32.self, limit: 7)
        }
        #expect(read == values)
    }

    func fixedArray(_ values: [Int32]) throws {
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeFixedArray(values, count: values.count)
            } == bytes)
        let read = try decoded(bytes) { decoder throws(XDRError) in
            try decoder.decodeFixedArray(of: Int32.self, count: values.count)
        }
        #expect(read == values)
    }

    func strings(_ values: [[UInt8]]) throws {
        let strings = values.map { XDRString(bytes: $0) }
        #expect(
            try encoded { encoder throws(XDRError) in
                try encoder.encodeStringArray(strings, limit: 3, elementLimit: 9)
            } == bytes)
        let read = try decoded(bytes) { decoder throws(XDRError) in
            try decoder.decodeStringArray(limit: 3, elementLimit: 9)
        }
        #expect(read.map(\.bytes) == values)
    }
}

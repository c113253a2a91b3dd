import Testing
import XDR

@testable import ProtocolGenerator

/// Tries every generated type on bytes that were made from the declarations alone.
@Suite("Every generated type")
struct RoundTripTests {
    @Test("there are as many as libvirt 11.3.0 defines")
    func counts() {
        let counts = Dictionary(
            uniqueKeysWithValues: Protocols.all.map { ($0.name, $0.types.count) })
        #expect(
            counts == [
                "rpc": 7, "remote": 703, "qemu": 12, "lxc": 1, "admin": 32, "lock": 9, "log": 11,
                "virtwire": virtwireTypes.count,
            ])
    }

    @Test("reads random values and writes the same bytes", arguments: Protocols.all.map(\.name))
    func roundTrip(_ name: String) throws {
        let types = try #require(Protocols.all.first { $0.name == name }).types
        var sampler = SchemaSampler(
            schema: try Protocols.schema(of: name), random: SeededGenerator("roundTrip \(name)"))
        for type in types {
            for _ in 0..<4 {
                let bytes = try sampler.bytes(ofTypeNamed: "\(type)")
                try check(type, on: bytes)
            }
        }
    }

    private func check<T: WireType>(_ type: T.Type, on bytes: [UInt8]) throws {
        let value = try XDR.decode(type, from: bytes)
        #expect(try XDR.encode(value) == bytes, "\(type)")
        #expect(try XDR.byteCount(of: value) == bytes.count, "\(type)")
        #expect(try XDR.decode(type, from: bytes) == value, "\(type)")
        #expect(T.minimumByteCount <= bytes.count, "\(type)")
        for count in bytes.indices {
            let error = #expect(throws: XDRError.self, "\(type) of \(count) bytes") {
                try XDR.decode(type, from: [UInt8](bytes[..<count]))
            }
            #expect(error?.code == .truncated, "\(type) of \(count) bytes")
        }
    }
}

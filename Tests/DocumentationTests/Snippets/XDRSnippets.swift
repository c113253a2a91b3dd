import XDR

enum XDRSnippets {
    // snippet
    struct Lease: XDREncodable, XDRDecodable {
        var address: XDRString
        var seconds: UInt32

        static var minimumByteCount: Int { 8 }

        func encode(to encoder: inout XDREncoder) throws(XDRError) {
            try encoder.encodeString(address, limit: 64)
            try encoder.encode(seconds)
        }

        init(from decoder: inout XDRDecoder) throws(XDRError) {
            address = try decoder.decodeString(limit: 64)
            seconds = try decoder.decodeUInt32()
        }
    }
    // end

    static func roundTrip(_ bytes: [UInt8]) throws {
        // snippet
        let lease = try XDR.decode(Lease.self, from: bytes)
        print(lease.address.text, lease.seconds, try XDR.encode(lease) == bytes)
        // end
    }
}

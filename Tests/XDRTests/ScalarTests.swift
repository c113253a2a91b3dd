import Testing
import XDR

@Suite("Scalars")
struct ScalarTests {
    @Test("each takes four bytes or eight, big-endian")
    func representation() throws {
        var bytes: [UInt8] = []
        try XDR.encode(-2 as Int32, appendingTo: &bytes)
        try XDR.encode(0x0102_0304 as UInt32, appendingTo: &bytes)
        try XDR.encode(-3 as Int64, appendingTo: &bytes)
        try XDR.encode(true, appendingTo: &bytes)
        #expect(
            bytes == [
                0xFF, 0xFF, 0xFF, 0xFE,
                0x01, 0x02, 0x03, 0x04,
                0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFD,
                0x00, 0x00, 0x00, 0x01,
            ])
    }
}

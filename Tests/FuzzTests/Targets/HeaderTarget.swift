import LibvirtProtocol
import XDR

@testable import LibvirtRPC

/// A frame's header, and the error that follows it: read twice, by the frame decoder and as XDR.
enum HeaderTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        let header: virNetMessageHeader
        var written: [UInt8] = []
        do throws(XDRError) {
            header = try XDR.decode(
                virNetMessageHeader.self, from: input, ignoringTrailingBytes: true)
            written = try XDR.encode(header)
        } catch {
            try require(input.count < FrameLimits.header, "a whole header is refused: \(error)")
            return
        }
        try require(written == Array(input.prefix(written.count)), "the header changed")
        try compare(header, input)
        let payload = Array(input.dropFirst(FrameLimits.header))
        try WireCheck.check(virNetMessageError.self, payload)
        if let error = try? XDR.decode(
            virNetMessageError.self, from: payload, ignoringTrailingBytes: true)
        {
            let text = RPCError(.refused(error), procedure: "TEST").description
            let isPrintable = text.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            try require(isPrintable, "an error's text holds control characters")
        }
    }

    private static func compare(
        _ header: virNetMessageHeader, _ input: [UInt8]
    ) throws(Finding) {
        let length = UInt32(FrameLimits.lengthWord + input.count)
        let prefix = (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) }
        var decoder = FrameDecoder()
        var frame: Frame?
        do throws(FrameError) {
            try decoder.append((prefix + input).span.raw) { (decoder) throws(FrameError) in
                frame = try decoder.next()
            }
        } catch {
            return
        }
        if let frame { try require(frame.header == header, "\(frame.header) is not \(header)") }
    }
}

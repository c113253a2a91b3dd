import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import LibvirtRPC

@Suite("Frames out of a stream") struct FrameDecoderTests {
    private func header(
        _ serial: UInt32, _ type: virNetMessageType = .VIR_NET_REPLY
    ) -> virNetMessageHeader {
        virNetMessageHeader(
            prog: Remote.program, vers: 1, proc: 7, type: type, serial: serial, status: .VIR_NET_OK)
    }

    /// A frame whose payload is this many bytes that tell of their place.
    private func frame(_ serial: UInt32, payload count: Int) throws -> [UInt8] {
        var bytes = try XDR.encode(UInt32(FrameLimits.shortest + count))
        bytes += try XDR.encode(header(serial))
        bytes += (0..<count).map { UInt8(truncatingIfNeeded: $0 &+ Int(serial)) }
        return bytes
    }

    /// Feeds a stream in pieces whose lengths come from `next`, and takes all frames.
    private func decode(
        _ stream: [UInt8], piece next: () -> Int
    ) throws(FrameError) -> (frames: [Frame], end: FrameError?) {
        var decoder = FrameDecoder()
        var frames: [Frame] = []
        var position = 0
        while position < stream.count {
            let end = min(stream.count, position + max(1, next()))
            let piece = Array(stream[position..<end])
            try decoder.append(piece.span.raw) { (decoder) throws(FrameError) in
                while let frame = try decoder.next() { frames.append(frame) }
            }
            position = end
        }
        return (frames, decoder.endOfStream())
    }

    @Test("however the stream is cut, the same frames come out") func everyCut() throws {
        let sizes = [0, 1, 4, 100, 28, 0, 333]
        let stream = try sizes.enumerated().flatMap { try frame(UInt32($0), payload: $1) }
        for piece in 1...stream.count {
            let (frames, end) = try decode(stream) { piece }
            #expect(frames.map(\.header.serial) == Array(0..<UInt32(sizes.count)))
            #expect(frames.map(\.payload.count) == sizes)
            #expect(end == nil)
        }
    }

    @Test("long frames by chance, beside short ones") func randomCuts() throws {
        let seed = UInt64.random(in: 0...(.max))
        var generator = SeededGenerator(seed: seed)
        let sizes = (0..<16).map { _ in
            Bool.random(using: &generator)
                ? Int.random(in: 0...200, using: &generator)
                : Int.random(in: 60_000...300_000, using: &generator)
        }
        var expected: [[UInt8]] = []
        var stream: [UInt8] = []
        for (index, size) in sizes.enumerated() {
            let bytes = try frame(UInt32(index), payload: size)
            expected.append(Array(bytes[FrameLimits.shortest...]))
            stream += bytes
        }
        let (frames, end) = try decode(stream) { Int.random(in: 1...100_000, using: &generator) }
        #expect(frames.map(\.payload) == expected, "seed \(seed)")
        #expect(end == nil, "seed \(seed)")
        var offset: UInt64 = 0
        for (frame, size) in zip(frames, sizes) {
            #expect(frame.streamOffset == offset)
            offset += UInt64(FrameLimits.shortest + size)
        }
    }

    @Test("a stream that ends anywhere in a frame is told as that") func everyTruncation() throws {
        let stream = try frame(1, payload: 70_000) + frame(2, payload: 8)
        for length in [1, 3, 4, 27, 28, 29, 500, 70_027] {
            let (frames, end) = try decode(Array(stream[..<length])) { 1_000 }
            #expect(frames.isEmpty)
            let whole = length < 4 ? nil : 70_028 as Int?
            #expect(end?.problem == .truncated(received: length, expected: whole))
            #expect(end?.streamOffset == 0)
        }
        let (frames, end) = try decode(Array(stream[..<(70_028 + 5)])) { 1_000 }
        #expect(frames.count == 1)
        #expect(end?.problem == .truncated(received: 5, expected: 36))
        #expect(end?.streamOffset == 70_028)
    }

    @Test("lengths outside the bounds", arguments: [0, 3, 4, 8, 27, 33_554_437, 0x1FFF_FFFF])
    func badLength(length: UInt32) throws {
        let good = try frame(1, payload: 4)
        let stream = try good + XDR.encode(length) + [UInt8](repeating: 0, count: 24)
        let error = #expect(throws: FrameError.self) { try decode(stream) { 7 } }
        #expect(error?.problem == .length(length, allowed: 28...33_554_436))
        #expect(error?.streamOffset == UInt64(good.count))
    }

    @Test("the bounds themselves are inside") func goodLengths() throws {
        var decoder = FrameDecoder()
        let first = try frame(1, payload: 0)
        try decoder.append(first.span.raw) { (decoder) throws(FrameError) in
            #expect(try decoder.next()?.payload.isEmpty == true)
        }
        // Announced, not sent: the longest frame is waited for, and costs nothing yet.
        let longest = try XDR.encode(UInt32(FrameLimits.longest)) + XDR.encode(header(2))
        try decoder.append(longest.span.raw) { (decoder) throws(FrameError) in
            #expect(try decoder.next() == nil)
        }
        #expect(
            decoder.endOfStream()?.problem
                == .truncated(received: 28, expected: FrameLimits.longest))
    }

    @Test("what speaks another protocol is named") func foreignPeers() throws {
        let starts: [(String, ForeignPeer)] = [
            ("HTTP/1.1 400 Bad Request\r\n", .http), ("GET / HTTP/1.0\r\n\r\n", .http),
            ("SSH-2.0-OpenSSH_9.2p1\r\n", .ssh), ("220 mail ready\r\n", .text("220 mail ready")),
        ]
        for (text, peer) in starts {
            let error = #expect(throws: FrameError.self) { try decode(Array(text.utf8)) { 100 } }
            #expect(error?.problem == .foreignPeer(peer))
        }
        let alert: [UInt8] = [0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]
        let error = #expect(throws: FrameError.self) { try decode(alert) { 100 } }
        #expect(error?.problem == .foreignPeer(.tls))
    }

    @Test("types that do not exist end the stream", arguments: [-1, 7, 0x7FFF_FFFF] as [Int32])
    func unknownType(type: Int32) throws {
        var stream = try frame(1, payload: 0)
        stream.replaceSubrange(16..<20, with: try XDR.encode(type))
        let error = #expect(throws: FrameError.self) { try decode(stream) { 100 } }
        #expect(error?.problem == .unknownType(type))
    }

    @Test("noise never crashes and never becomes a frame for long") func noise() {
        let seed = UInt64.random(in: 0...(.max))
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2_000 {
            let count = Int.random(in: 0...200, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Half of them begin like frames of a plausible length.
            if count > 4, Bool.random(using: &generator) {
                bytes.replaceSubrange(0..<3, with: [0, 0, 0])
            }
            let frames = (try? decode(bytes) { 13 })?.frames ?? []
            #expect(frames.allSatisfy { $0.payload.count <= count }, "seed \(seed)")
        }
    }
}

/// Numbers by chance that can be had again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

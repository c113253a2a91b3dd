import Glibc
import LibvirtProtocol
import LinuxIO

@testable import LibvirtRPC

/// A stream of bytes, cut into frames: however it comes in pieces, the same comes out.
enum FrameTarget {
    /// The longest stream that an input stands for, in bytes.
    private static let longestStream = 1 << 19

    static func run(_ input: [UInt8]) throws(Finding) {
        var reader = InputReader(input)
        let cuts: UInt8 = reader.take()
        let stream = expanded(reader.takeRest())
        let whole = try decode(stream, descriptors: false) { stream.count }
        var state = UInt32(cuts)
        let pieces = try decode(stream, descriptors: false) {
            state = state &* 1_664_525 &+ 1_013_904_223
            return 1 + Int(state >> 8) % (cuts & 1 == 0 ? 40 : 40_000)
        }
        try require(whole == pieces, "pieces give \(pieces), the whole \(whole)")
        if cuts & 2 != 0 { _ = try decode(stream, descriptors: true) { 64 } }
    }

    /// The bytes, in which 0xFE and two more stand for as many zeros: long frames from short inputs.
    private static func expanded(_ bytes: [UInt8]) -> [UInt8] {
        var reader = InputReader(bytes)
        var stream: [UInt8] = []
        while !reader.isAtEnd, stream.count < longestStream {
            let byte: UInt8 = reader.take()
            if byte == 0xFE {
                stream += repeatElement(0, count: Int(reader.take(UInt16.self)))
            } else {
                stream.append(byte)
            }
        }
        return stream
    }

    /// What a stream was understood as.
    private struct Reading: Equatable, CustomStringConvertible {
        var payloads: [[UInt8]] = []
        var serials: [UInt32] = []
        var offsets: [UInt64] = []
        /// Where it could not be understood.
        var failure: UInt64?

        var description: String {
            "\(payloads.map(\.count)) at \(offsets), failure at \(failure.map(String.init) ?? "-")"
        }
    }

    private static func decode(
        _ stream: [UInt8], descriptors: Bool, piece next: () -> Int
    ) throws(Finding) -> Reading {
        var reading = Reading()
        do throws(FrameError) {
            try decode(stream, descriptors: descriptors, piece: next, into: &reading)
        } catch {
            reading.failure = error.streamOffset
            try require(error.description.utf8.count < 1000, "an error of great length")
        }
        let total = reading.payloads.reduce(0) { $0 + $1.count }
        try require(
            total + reading.payloads.count * FrameLimits.shortest <= stream.count,
            "more came out than went in")
        return reading
    }

    private static func decode(
        _ stream: [UInt8], descriptors: Bool, piece next: () -> Int, into reading: inout Reading
    ) throws(FrameError) {
        var decoder = FrameDecoder()
        var position = 0
        while position < stream.count {
            let end = min(stream.count, position + next())
            let piece = Array(stream[position..<end])
            var queue = DescriptorQueue()
            if descriptors { queue.append(OwnedDescriptor(adopting: dup(STDERR_FILENO))) }
            try decoder.append(piece.span.raw, descriptors: queue) { (decoder) throws(FrameError) in
                while let frame = try decoder.next() {
                    reading.payloads.append(frame.payload)
                    reading.serials.append(frame.header.serial)
                    reading.offsets.append(frame.streamOffset)
                }
            }
            position = end
        }
        if let error = decoder.endOfStream() { throw error }
    }
}

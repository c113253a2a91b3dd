import LibvirtProtocol
import Testing
import XDR

@testable import LibvirtRPC

@Suite("Frames on their way out") struct FrameWriterTests {
    private let header = virNetMessageHeader(
        prog: 99, vers: 1, proc: 1, type: .VIR_NET_STREAM, serial: 5, status: .VIR_NET_CONTINUE)

    /// A frame that carries these bytes, and the frame as it is to arrive.
    private func frame(_ data: [UInt8]) throws -> (frame: OutgoingFrame, bytes: [UInt8]) {
        let frame = try StreamPacket.frame(of: data[...], header)
        let length = UInt32(FrameLimits.shortest + data.count)
        return (frame, try XDR.encode(length) + XDR.encode(header) + data)
    }

    @Test("wherever the room ends, in a frame's head or in its data, it goes on there")
    func everyRoom() throws {
        let first = try frame(Array(0..<100))
        let second = try frame([])
        let third = try frame(Array(100..<150))
        let expected = first.bytes + second.bytes + third.bytes
        for most in 1...expected.count {
            var writer = FrameWriter()
            for frame in [first.frame, second.frame, third.frame] { writer.append(frame) }
            var sent: [UInt8] = []
            var turns = 0
            while !writer.isEmpty, turns <= expected.count {
                turns += 1
                var room = most
                writer.flush { head, data, _ in
                    guard room > 0 else { return nil }
                    let before = sent.count
                    for part in [Array(copying: head), Array(copying: data)] {
                        sent += part.prefix(room)
                        room -= min(room, part.count)
                    }
                    return sent.count - before
                }
            }
            #expect(sent == expected, "\(most) bytes at a time")
            let left = writer.queuedByteCount
            #expect(left == 0)
        }
    }

    @Test("a stream's data is sent from where it is") func noCopy() throws {
        let data = [UInt8](repeating: 7, count: 100_000)
        let (frame, _) = try frame(data)
        #expect(frame.head.count == FrameLimits.shortest)
        let isShared = frame.data.span.isIdentical(to: data.span)
        #expect(isShared)
    }
}

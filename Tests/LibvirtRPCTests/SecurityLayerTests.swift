import LibvirtProtocol
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import LibvirtRPC

@Suite("Security layers", .timeLimit(.minutes(4)))
struct SecurityLayerTests {
    /// Flips every bit, and sends in packets of a length byte and up to 7 bytes; 0 is no length.
    private final class Flipping: SecurityLayer {
        private let held = Mutex<[UInt8]>([])

        func wrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8] {
            var result: [UInt8] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(7)
                rest = rest.dropFirst(7)
                result += [UInt8(piece.count)] + piece.map { ~$0 }
            }
            return result
        }

        func unwrap(_ bytes: [UInt8]) throws(SecurityLayerError) -> [UInt8] {
            let plain = held.withLock { held -> [UInt8]? in
                held += bytes
                var result: [UInt8] = []
                while let count = held.first {
                    guard (1...7).contains(count) else { return nil }
                    guard held.count > Int(count) else { break }
                    result += held[1...Int(count)].map { ~$0 }
                    held.removeFirst(Int(count) + 1)
                }
                return result
            }
            guard let plain else { throw SecurityLayerError("there is no packet of that length") }
            return plain
        }
    }

    /// What a carrier tells.
    private final class Receiver: CarrierReceiver {
        private let serials = Mutex<[UInt32]>([])
        private let end = Mutex<LinkFailure.Reason?>(nil)

        var received: [UInt32] { serials.withLock(\.self) }
        var reason: LinkFailure.Reason? { end.withLock(\.self) }

        func received(_ frame: Frame) { serials.withLock { $0.append(frame.header.serial) } }
        func drained() {}
        func ended(_ reason: LinkFailure.Reason, unsentCalls: [UInt32]) {
            end.withLock { $0 = reason }
        }
        func released() {}
    }

    private func carrier() async throws -> (NetworkCarrier, NIOAsyncTestingChannel, Receiver) {
        let (carrier, channel) = try await NetworkCarrier.overTestingChannel()
        let receiver = Receiver()
        carrier.start(receiver)
        return (carrier, channel, receiver)
    }

    private static func frame(_ serial: UInt8) -> [UInt8] {
        [0, 0, 0, 28] + [0x20, 0, 0x80, 0x86] + [0, 0, 0, 1] + [0, 0, 0, 1] + [0, 0, 0, 1]
            + [0, 0, 0, serial] + [0, 0, 0, 0]
    }

    @Test("bytes are plain before, and protected afterwards, both ways and in any pieces")
    func bothWays() async throws {
        let (carrier, channel, receiver) = try await carrier()
        try await channel.writeInbound(ByteBuffer(bytes: Self.frame(1)))
        try await carrier.secure(with: Flipping())
        let wrapped = try Flipping().wrap(Self.frame(2) + Self.frame(3))
        for byte in wrapped { try await channel.writeInbound(ByteBuffer(bytes: [byte])) }
        #expect(receiver.received == [1, 2, 3])
        #expect(carrier.send(OutgoingFrame(Self.frame(4))))
        let written = try await channel.waitForOutboundWrite(as: ByteBuffer.self)
        #expect(Array(written.readableBytesView) == (try Flipping().wrap(Self.frame(4))))
        carrier.close(.closed)
    }

    @Test("what slips in before the protection is refused")
    func injected() async throws {
        let (carrier, channel, _) = try await carrier()
        try await channel.writeInbound(ByteBuffer(bytes: Self.frame(1) + [0, 0]))
        await #expect(throws: SecurityLayerError("bytes came that nobody has protected")) {
            try await carrier.secure(with: Flipping())
        }
        carrier.close(.closed)
    }

    @Test("bytes that were not protected end the connection")
    func unprotected() async throws {
        let (carrier, channel, receiver) = try await carrier()
        try await carrier.secure(with: Flipping())
        try await channel.writeInbound(ByteBuffer(bytes: Self.frame(1)))
        #expect(receiver.received.isEmpty)
        #expect(
            receiver.reason
                == .protection(SecurityLayerError("there is no packet of that length")))
    }
}

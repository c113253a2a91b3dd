import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import LibvirtRPC

/// Descriptors come behind their frame, one with each dummy byte that the length does not count.
@Suite("Descriptors with frames") struct FrameDescriptorTests {
    private func header(_ type: virNetMessageType) -> virNetMessageHeader {
        virNetMessageHeader(
            prog: 99, vers: 1, proc: 1, type: type, serial: 5, status: .VIR_NET_OK)
    }

    /// A frame that announces descriptors.
    private func frame(announcing count: UInt32) throws -> [UInt8] {
        try XDR.encode(36 as UInt32) + XDR.encode(header(.VIR_NET_REPLY_WITH_FDS))
            + XDR.encode(count) + XDR.encode(0x0102_0304 as UInt32)
    }

    private func queue(_ count: Int) throws -> DescriptorQueue {
        var queue = DescriptorQueue()
        for _ in 0..<count {
            queue.append(try OwnedDescriptor.memoryFile(name: "frame-test", byteCount: 4))
        }
        return queue
    }

    private func feed(
        _ decoder: inout FrameDecoder, _ bytes: [UInt8], descriptors: Int = 0
    ) throws -> [Frame] {
        var frames: [Frame] = []
        try decoder.append(bytes.span.raw, descriptors: try queue(descriptors)) {
            (decoder) throws(FrameError) in
            while let frame = try decoder.next() { frames.append(frame) }
        }
        return frames
    }

    @Test("the frame is whole when its last descriptor is there") func oneByOne() throws {
        var decoder = FrameDecoder()
        #expect(try feed(&decoder, frame(announcing: 2)).isEmpty)
        #expect(decoder.endOfStream()?.problem == .missingDescriptor)
        #expect(try feed(&decoder, [0], descriptors: 1).isEmpty)
        let frames = try feed(&decoder, [0] + frame(announcing: 0), descriptors: 1)
        #expect(frames.count == 2)
        #expect(frames.first?.descriptors?.count == 2)
        #expect(frames.first?.payload == [1, 2, 3, 4])
        #expect(frames.last?.descriptors == nil)
        #expect(decoder.endOfStream() == nil)
    }

    @Test("a dummy byte without its descriptor") func missing() throws {
        var decoder = FrameDecoder()
        let error = #expect(throws: FrameError.self) {
            try feed(&decoder, frame(announcing: 1) + [0])
        }
        #expect(error?.problem == .missingDescriptor)
    }

    @Test("a descriptor for which this process has no room is its own fault, and not the peer's")
    func lost() throws {
        var decoder = FrameDecoder()
        #expect(try feed(&decoder, frame(announcing: 1)).isEmpty)
        _ = decoder.fill { output in
            output.append(0)
            return Received(byteCount: 1, isTruncated: true, descriptors: DescriptorQueue())
        }
        var problem: FrameError.Problem?
        do throws(FrameError) { _ = try decoder.next() } catch { problem = error.problem }
        #expect(problem == .lostDescriptor)
    }

    @Test("a descriptor that nobody announced") func unannounced() throws {
        var decoder = FrameDecoder()
        var error = #expect(throws: FrameError.self) {
            try feed(&decoder, Array(frame(announcing: 0)[..<20]), descriptors: 1)
        }
        #expect(error?.problem == .unannouncedDescriptor)
        decoder = FrameDecoder()
        error = #expect(throws: FrameError.self) {
            try feed(&decoder, frame(announcing: 1) + [0], descriptors: 2)
        }
        #expect(error?.problem == .unannouncedDescriptor)
    }

    @Test("more than can go with one frame", arguments: [33, 0xFFFF_FFFF] as [UInt32])
    func tooMany(count: UInt32) throws {
        var decoder = FrameDecoder()
        let error = #expect(throws: FrameError.self) {
            try feed(&decoder, frame(announcing: count))
        }
        #expect(error?.problem == .descriptorCount(count))
    }

    @Test("a frame too short for its count") func noCount() throws {
        var decoder = FrameDecoder()
        let bytes = try XDR.encode(28 as UInt32) + XDR.encode(header(.VIR_NET_CALL_WITH_FDS))
        let error = #expect(throws: FrameError.self) { try feed(&decoder, bytes) }
        #expect(error?.problem == .length(28, allowed: 32...FrameLimits.longest))
    }

    @Test("the writer sends each descriptor with a byte of its own, behind the frame")
    func writing() throws {
        var writer = FrameWriter()
        let descriptors = PassedDescriptors(try queue(2))
        writer.append(
            try OutgoingFrame.encoding(
                header(.VIR_NET_CALL_WITH_FDS), 7 as UInt32, descriptors: descriptors,
                callSerial: 5))
        writer.append(
            try OutgoingFrame.encoding(header(.VIR_NET_CALL), XDRVoid(), callSerial: 6))
        var sent: [(count: Int, descriptors: Int)] = []
        var room = 30
        writer.flush { bytes, _, descriptors in
            guard room > 0 else { return nil }
            let count = min(room, bytes.byteCount)
            room -= count
            sent.append((count, descriptors.count))
            return count
        }
        #expect(sent.map(\.count) == [30])
        let left = writer.queuedByteCount
        #expect(left == 36 - 30 + 28)
        writer.flush { bytes, _, descriptors in
            sent.append((bytes.byteCount, descriptors.count))
            return bytes.byteCount
        }
        #expect(sent.map(\.count) == [30, 6, 1, 1, 28])
        #expect(sent.map(\.descriptors) == [0, 0, 1, 1, 0])
        let (isEmpty, rest) = (writer.isEmpty, writer.queuedByteCount)
        #expect(isEmpty && rest == 0)
        #expect(descriptors.count == 0)
    }

    @Test("calls that have not gone whole are known") func unsent() throws {
        var writer = FrameWriter()
        for serial in 1...3 as ClosedRange<UInt32> {
            writer.append(
                try OutgoingFrame.encoding(header(.VIR_NET_CALL), XDRVoid(), callSerial: serial))
        }
        var room = 28 + 27
        writer.flush { bytes, _, _ in
            let count = min(room, bytes.byteCount)
            room -= count
            return count > 0 ? count : nil
        }
        let unsent = writer.takeUnsentCalls()
        #expect(unsent == [2, 3])
        let isEmpty = writer.isEmpty
        #expect(isEmpty)
    }
}

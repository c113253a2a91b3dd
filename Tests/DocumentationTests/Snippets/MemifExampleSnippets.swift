import LinuxIO
import Memif

enum MemifExampleSnippets {
    static func sendRawData(_ link: MemifLink) throws {
        // snippet
        guard var sender = link.takeTransmitQueue(0) else { return }
        var frames = FrameBatch(frameCapacity: 16)
        for number in 1...3 { frames.append(Array("raw data \(number)".utf8)) }
        var done = 0
        while done < frames.count {
            done += try sender.transmitBurst(frames, from: done)
        }
        // end
    }

    static func receiveRawData(_ link: MemifLink) throws {
        // snippet
        guard var receiver = link.takeReceiveQueue(0, mode: .interrupt) else { return }
        var frames = FrameBatch(frameCapacity: 16)
        while receiver.waitForFrames(milliseconds: 500) {
            for index in 0..<(try receiver.receiveBurst(into: &frames)) {
                print(String(decoding: frames.bytes(of: index), as: UTF8.self))
            }
        }
        // end
    }

    static func respondPolling(_ link: MemifLink) throws {
        // snippet
        guard let address = IPv4Address("192.168.1.1"),
            var receiver = link.takeReceiveQueue(0), var sender = link.takeTransmitQueue(0)
        else { return }
        let responder = Responder(address: address)
        var frames = FrameBatch(frameCapacity: 64)
        while true {
            guard try receiver.receiveBurst(into: &frames) > 0 else { continue }
            responder.handle(&frames)
            _ = try sender.transmitBurst(frames)
        }
        // end
    }

    static func respondByInterrupt(_ link: MemifLink) throws {
        // snippet
        guard let address = IPv4Address("192.168.1.1"),
            var receiver = link.takeReceiveQueue(0, mode: .interrupt),
            var sender = link.takeTransmitQueue(0)
        else { return }
        let responder = Responder(address: address)
        var frames = FrameBatch(frameCapacity: 64)
        while receiver.waitForFrames() {
            _ = try receiver.receiveBurst(into: &frames)
            responder.handle(&frames)
            _ = try sender.transmitBurst(frames)
        }
        // end
    }

    static func jumbo(from near: MemifLink, to far: MemifLink) throws {
        // snippet
        guard var sender = near.takeTransmitQueue(0), var receiver = far.takeReceiveQueue(0)
        else { return }
        var frames = FrameBatch(frameCapacity: 8, byteCapacity: 8 * 9216)
        frames.append([UInt8](repeating: 0xAB, count: 9000))
        _ = try sender.transmitBurst(frames)

        var views = receiver.makeViews(frameCapacity: 8)
        while try receiver.receiveBurst(into: &views) == 0 {}
        print("a frame in", views.pieceCount(of: 0), "buffers")
        frames.removeAll()
        views.copyFrame(at: 0, into: &frames)
        receiver.release(&views)
        print("copied", frames.byteCount(of: 0), "bytes")
        // end
    }

    static func bridge(_ left: MemifLink, _ right: MemifLink) throws {
        // snippet
        @Sendable func carry(from source: MemifLink, to destination: MemifLink) throws(LinkEnd) {
            guard var receiver = source.takeReceiveQueue(0, mode: .interrupt),
                var sender = destination.takeTransmitQueue(0)
            else { return }
            var views = receiver.makeViews(frameCapacity: 64)
            while receiver.waitForFrames() {
                _ = try receiver.receiveBurst(into: &views)
                // What the other side has no room for now is lost, as on any wire.
                _ = try sender.forwardBurst(&views, from: &receiver)
                receiver.release(&views)
            }
        }
        try Thread.start(name: "rightward") { try? carry(from: left, to: right) }
        try Thread.start(name: "leftward") { try? carry(from: right, to: left) }
        // end
    }
}

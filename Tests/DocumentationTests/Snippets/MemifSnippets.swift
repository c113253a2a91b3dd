import LinuxIO
import Memif

enum MemifSnippets {
    static func master(_ path: String) async throws {
        // snippet
        let loop = try EventLoop.start(name: "memif")
        let socket = try MasterSocket.listen(at: UnixAddress(path: path), on: loop)
        let interface = try socket.add(InterfaceConfiguration(id: 0, name: "lan0"))
        let link = try await interface.waitForLink()
        print("a slave is here:", link.terms.peerName)

        guard var receiver = link.takeReceiveQueue(0, mode: .interrupt) else { return }
        var frames = FrameBatch(frameCapacity: 64)
        while !receiver.waitForFrames(milliseconds: 1000) {}
        for index in 0..<(try receiver.receiveBurst(into: &frames)) {
            print("frame of", frames.byteCount(of: index), "bytes")
        }
        socket.close()
        loop.stop()
        // end
    }

    static func slave(_ path: String) async throws {
        // snippet
        let loop = try EventLoop.start(name: "memif")
        var configuration = InterfaceConfiguration(id: 0, name: "uplink")
        configuration.queues = QueueCounts(pairs: 2)
        configuration.ringSize = 512
        let interface = try MemifInterface.connect(
            to: UnixAddress(path: path), configuration, on: loop)
        let link = try await interface.waitForLink(within: .seconds(30))

        guard var sender = link.takeTransmitQueue(0) else { return }
        var frames = FrameBatch(frameCapacity: 32)
        frames.append([UInt8](repeating: 0xFF, count: 60))
        print("sent", try sender.transmitBurst(frames))
        // end
        while link.isUp { await Task.yield() }
        interface.remove()
        loop.stop()
    }

    static func inPlace(
        _ receiver: inout ReceiveQueue, _ sender: inout TransmitQueue, _ frame: RawSpan
    ) throws {
        // snippet
        var views = receiver.makeViews(frameCapacity: 64)
        if try receiver.receiveBurst(into: &views) > 0 {
            let first = views[0]
            print("in place:", first.byteCount, "bytes")
        }
        receiver.release(&views)

        var room = sender.makeRoom(capacity: 64)
        if try sender.reserve(1, in: &room) == 1 {
            room.write(frame, to: 0)
            print("sent", try sender.transmitBurst(&room, count: 1))
        }
        // end
    }

    static func forward(
        from receiver: inout ReceiveQueue, to sender: inout TransmitQueue,
        _ views: inout FrameViews
    ) throws {
        // snippet
        let count = try receiver.receiveBurst(into: &views)
        let done = try sender.forwardBurst(&views, from: &receiver)
        print("sent on", done, "of", count)
        receiver.release(&views)
        // end
    }

    static func pools() throws -> InterfaceConfiguration {
        // snippet
        var configuration = InterfaceConfiguration(id: 0)
        configuration.queues = QueueCounts(pairs: 2)
        configuration.pools = [
            try BufferPool(name: "node 0", bufferCount: 4096),
            try BufferPool(name: "node 1", bufferCount: 4096),
        ]
        // end
        return configuration
    }

    static func worker(_ link: MemifLink) throws -> PacketWorker {
        // snippet
        let worker = try PacketWorker.start(cpu: 1)
        worker.attach(link, PacketEcho())
        // end
        return worker
    }
}

import LinuxIO
import Testing

@testable import LibvirtRPC

/// A link whose peer is the test itself, byte by byte.
struct RawPeer: ~Copyable {
    let link: Link
    let socket: UnixSocket
    let loop: EventLoop

    init(_ configuration: LinkConfiguration = LinkConfiguration()) throws {
        let loop = try EventLoop.start(name: "raw-peer")
        let pair = try UnixSocket.pair(.stream)
        let theirs = try UnixSocket(adopting: try pair.second.descriptor.duplicate())
        let ours = try UnixSocket(adopting: try pair.first.descriptor.duplicate())
        link = Link.start(
            UnixCarrier(theirs, loop: loop), timers: loop, configuration: configuration)
        socket = ours
        self.loop = loop
    }

    func send(_ bytes: [UInt8]) throws {
        #expect(try socket.send(bytes.span.raw) == bytes.count)
    }

    /// Waits until so many bytes have come.
    func receive(_ count: Int) async throws -> [UInt8] {
        var received: [UInt8] = []
        let end = ContinuousClock.now + .seconds(20)
        while received.count < count, ContinuousClock.now < end {
            var buffer = [UInt8](repeating: 0, count: count - received.count)
            let part = try buffer.withMutableBytes(in: 0..<buffer.count) {
                (room: inout MutableRawSpan) throws(SystemError) in
                try socket.receive(into: &room)?.byteCount ?? 0
            }
            received += buffer[..<part]
            if part == 0 { await Task.yield() }
        }
        return received
    }
}

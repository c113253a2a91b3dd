import LinuxIO
import Testing

@testable import Memif

/// Takes frozen sockets over, as another process would, from descriptors and records alone.
enum Successor {
    /// Goes on with a socket of one interface.
    static func take(
        _ frozen: consuming FrozenSocket, _ configuration: InterfaceConfiguration,
        on loop: EventLoop
    ) throws -> (socket: MasterSocket, interface: MemifInterface, links: [MemifLink]) {
        var frozen = frozen
        var descriptors = exchange(&frozen.descriptors, with: DescriptorQueue())
        let listener = try UnixListener(adopting: unwrap(descriptors.popFirst()))
        let socket = try MasterSocket(listener, on: loop, options: .patient, frozen: true)
        let interface = try socket.add(configuration)
        var links: [MemifLink] = []
        for record in frozen.links {
            var own = DescriptorQueue()
            for _ in 0..<record.descriptorCount { own.append(try unwrap(descriptors.popFirst())) }
            links.append(try socket.resume(record, own))
        }
        expectEqual(descriptors.isEmpty, true)
        try socket.thaw()
        return (socket, interface, links)
    }

    /// What waits on a link, through its first queue, which is taken.
    static func receiveAll(_ link: MemifLink) throws -> [[UInt8]] {
        var receiver = try unwrap(link.takeReceiveQueue(0))
        var batch = FrameBatch(frameCapacity: 64)
        var frames: [[UInt8]] = []
        while try receiver.receiveBurst(into: &batch) > 0 {
            for index in 0..<batch.count { frames.append(batch.bytes(of: index)) }
        }
        return frames
    }
}

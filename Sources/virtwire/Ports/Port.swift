internal import LinuxIO
internal import Memif
internal import Synchronization

/// What went through a port in one direction.
struct PortCounters: Hashable, Sendable {
    var packets: UInt64 = 0
    var bytes: UInt64 = 0
    /// Frames for which the other side had no room or was not there.
    var drops: UInt64 = 0
}

/// Where a bridge's frames go to.
protocol Outlet: Sendable {
    /// Sends frames; those that cannot be sent are lost.
    ///
    /// - Returns: how many were sent.
    func send(_ frames: borrowing FrameBatch) -> Int
}

/// The sending end of a memif port, while there is a link.
final class MemifOutlet: Outlet {
    private struct State: ~Copyable { var queue: TransmitQueue? }

    private let state = Mutex(State())
    /// How often a full ring is tried again before frames are lost.
    private static let mostTries = 5

    /// Sends on a link from now on; nil ends that.
    func use(_ link: MemifLink?) {
        // An optional, because a closure cannot consume what it captures.
        var queue = link.flatMap { $0.takeTransmitQueue(0) }
        state.withLock { $0.queue = queue.take() }
    }

    func send(_ frames: borrowing FrameBatch) -> Int {
        var sent = 0
        state.withLock { state in
            do throws(LinkEnd) {
                for _ in 0..<Self.mostTries where sent < frames.count {
                    sent += try state.queue?.transmitBurst(frames, from: sent) ?? 0
                }
            } catch {
                state.queue = nil
            }
        }
        return sent
    }
}

/// A TAP device as a port: a thread of its own reads what the kernel sends.
final class TapPort: Outlet {
    private let device: TapDevice
    private let isStopping = Atomic(false)
    private let state = Mutex<CommandFailure?>(nil)
    /// The longest frame that a TAP device passes: no MTU is longer.
    private static let longestFrame = 65_550

    init(_ name: String) throws {
        do throws(SystemError) {
            device = try TapDevice(name)
        } catch {
            let remedy =
                switch error.code {
                case 1: "it takes the right to change the network (CAP_NET_ADMIN)"
                case 2: "the kernel has no TAP devices: load the module tun"
                case 16: "another program has it: name another, or end that one"
                default: "name another interface"
                }
            throw CommandFailure(.failed, "\(error); \(remedy)")
        }
    }

    /// Its name, which the kernel may have chosen.
    var name: String { device.name }

    /// Why no more frames come: the interface has been removed, or its network namespace.
    var failure: CommandFailure? { state.withLock(\.self) }

    func send(_ frames: borrowing FrameBatch) -> Int {
        var sent = 0
        for index in 0..<frames.count where device.send(frames[index]) { sent += 1 }
        return sent
    }

    /// Passes on what the kernel sends until it is stopped.
    func start(_ handler: @escaping @Sendable (inout FrameBatch) -> Void) throws {
        try Thread.start(name: "tap") { [self] in
            var frames = FrameBatch(frameCapacity: 64, byteCapacity: 4 << 20)
            var buffer = [UInt8](repeating: 0, count: Self.longestFrame)
            do throws(SystemError) {
                while !isStopping.load(ordering: .relaxed) {
                    guard device.wait(milliseconds: 50) else { continue }
                    frames.removeAll()
                    while frames.count < frames.frameCapacity,
                        let count = try device.receive(into: &buffer),
                        frames.append(Array(buffer[..<count]))
                    {}
                    if !frames.isEmpty { handler(&frames) }
                }
            } catch {
                let remedy = "if the interface was removed, make it and start again"
                state.withLock { $0 = CommandFailure(.failed, "\(error); \(remedy)") }
            }
        }
    }

    func stop() { isStopping.store(true, ordering: .relaxed) }
}

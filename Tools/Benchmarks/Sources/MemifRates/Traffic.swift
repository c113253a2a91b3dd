import LinuxIO
import Memif
import Synchronization

/// Frames of one size in bursts of one length, copied into and out of the rings or handled in place.
final class Traffic: Sendable {
    let size: Int
    let burst: Int
    let isInPlace: Bool
    private let stopping = Atomic<Bool>(false)
    private let running = Atomic<Int>(0)

    init(_ size: String, _ burst: String, _ way: String? = nil) throws {
        self.size = try MemifRates.number(size)
        self.burst = try MemifRates.number(burst)
        isInPlace = way == "place"
    }

    var configuration: InterfaceConfiguration {
        var configuration = InterfaceConfiguration(name: "rates")
        // Frames in one buffer each, as far as buffers of the usual size take them.
        configuration.bufferSize = max(2048, size)
        return configuration
    }

    private var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// Runs a queue's loop on a thread of its own, until `rate` is done or the link is over.
    private func start(
        _ name: String, _ cpu: Int, _ body: @escaping @Sendable () throws(LinkEnd) -> Void
    ) throws {
        running.add(1, ordering: .relaxed)
        try Thread.start(name: name, cpu: cpu) { [self] in
            do { try body() } catch { print("# \(name): \(error)") }
            running.subtract(1, ordering: .releasing)
        }
    }

    func send(on link: MemifLink, cpu: Int) throws {
        try start("sender", cpu) { [self] () throws(LinkEnd) in
            guard var queue = link.takeTransmitQueue(0) else { return }
            if isInPlace { try sendInPlace(&queue) } else { try sendCopies(&queue) }
        }
    }

    func receive(on link: MemifLink, cpu: Int) throws {
        try start("receiver", cpu) { [self] () throws(LinkEnd) in
            guard var queue = link.takeReceiveQueue(0) else { return }
            if isInPlace {
                var views = queue.makeViews(frameCapacity: burst)
                while !isStopping { rest(after: try queue.receiveBurst(into: &views)) }
            } else {
                var batch = batch()
                while !isStopping { rest(after: try queue.receiveBurst(into: &batch)) }
            }
        }
    }

    /// A receiver that has caught up lets the sender go on for a moment: whoever looks at the index all
    /// the time takes its line away from the sender each time.
    @inline(__always)
    private func rest(after count: Int) {
        if count < burst { Thread.pause() }
    }

    func echo(on link: MemifLink, cpu: Int) throws {
        try start("echo", cpu) { [self] () throws(LinkEnd) in
            guard var receiving = link.takeReceiveQueue(0), var sending = link.takeTransmitQueue(0)
            else { return }
            if isInPlace {
                var views = receiving.makeViews(frameCapacity: burst)
                while !isStopping {
                    var done = 0
                    let count = try receiving.receiveBurst(into: &views)
                    while done < count, !isStopping {
                        done += try sending.forwardBurst(&views, from: &receiving, first: done)
                    }
                }
            } else {
                var batch = batch()
                while !isStopping {
                    var done = 0
                    let count = try receiving.receiveBurst(into: &batch)
                    while done < count, !isStopping {
                        done += try sending.transmitBurst(batch, from: done)
                    }
                }
            }
        }
    }

    private func sendCopies(_ queue: inout TransmitQueue) throws(LinkEnd) {
        var batch = batch()
        for _ in 0..<burst { batch.append([UInt8](repeating: 0x5A, count: size)) }
        while !isStopping {
            var done = 0
            while done < burst, !isStopping { done += try queue.transmitBurst(batch, from: done) }
        }
    }

    private func sendInPlace(_ queue: inout TransmitQueue) throws(LinkEnd) {
        var room = queue.makeRoom(capacity: burst)
        while !isStopping { try fill(&room, on: &queue) }
    }

    /// Sends a burst of frames of which a number at the start is written.
    func fill(_ room: inout FrameRoom, on queue: inout TransmitQueue) throws(LinkEnd) {
        for buffer in 0..<(try queue.reserve(in: &room)) {
            var bytes = room.bytes(of: buffer)
            bytes.storeBytes(of: UInt64(buffer), as: UInt64.self)
            room.setByteCount(size, of: buffer)
        }
        _ = try queue.transmitBurst(&room)
    }

    /// An empty batch with room for a burst.
    func batch() -> FrameBatch {
        FrameBatch(frameCapacity: burst, byteCapacity: burst * (size + 64))
    }

    /// The rate of the frames that pass, after a moment of warming up.
    func rate(of link: MemifLink, sending: Bool = false, seconds: Int) async throws -> String {
        let rate = try await packetRate(of: link, sending: sending, seconds: seconds)
        return #""packets_per_second": \#(rate), "bytes_per_second": \#(rate * size)"#
    }

    /// As `rate(of:sending:seconds:)`, in packets a second.
    func packetRate(of link: MemifLink, sending: Bool = false, seconds: Int) async throws -> Int {
        try await Task.sleep(for: .milliseconds(300))
        let start = ContinuousClock.now
        let before = sending ? link.sent : link.received
        try await Task.sleep(for: .seconds(seconds))
        let after = sending ? link.sent : link.received
        let time = (ContinuousClock.now - start) / .seconds(1)
        stopping.store(true, ordering: .relaxed)
        while running.load(ordering: .acquiring) > 0 { await Task.yield() }
        stopping.store(false, ordering: .relaxed)
        return Int(Double(after.packets - before.packets) / time)
    }
}

import LinuxIO
import Memif
import Synchronization
import Testing

@Suite("Receive modes")
struct ReceiveModeTests {
    @Test(
        "a waiting receiver gets every frame, whatever the mode, and however it changes",
        arguments: RingDirection.allCases)
    func changing(_ direction: RingDirection) async throws {
        let pair = try await LinkPair { $0.ringSize = 64 }
        let (sending, receiving) = pair.ends(direction)
        let total = 20_000
        let arrived = Flag()
        try Thread.start(name: "sender") {
            guard var sender = sending.takeTransmitQueue(0) else { return }
            var batch = FrameBatch(frameCapacity: 16)
            var next = 0
            while next < total {
                batch.removeAll()
                for number in next..<min(next + 16, total) {
                    batch.append([UInt8(truncatingIfNeeded: number), 1])
                }
                guard let sent = try? sender.transmitBurst(batch) else { return }
                next += sent
                // Now and then a pause, in which the receiver falls asleep.
                if next % 512 < 16 {
                    let end = ContinuousClock.now + .microseconds(200)
                    while ContinuousClock.now < end { Thread.pause() }
                }
            }
        }
        let modes: [ReceiveMode] = [.polling, .interrupt, .adaptive(spinning: .microseconds(20))]
        let count = try await onThread { () throws -> Int in
            guard var receiver = receiving.takeReceiveQueue(0) else { return 0 }
            var batch = FrameBatch(frameCapacity: 32)
            var expected = 0
            while expected < total {
                receiver.setMode(modes[expected / 100 % 3])
                guard receiver.waitForFrames(milliseconds: 30_000) else { return expected }
                for index in 0..<(try receiver.receiveBurst(into: &batch)) {
                    guard batch.bytes(of: index)[0] == UInt8(truncatingIfNeeded: expected) else {
                        return expected
                    }
                    expected += 1
                }
            }
            arrived.raise()
            return expected
        }
        #expect(count == total)
        #expect(arrived.isRaised)
    }

    @Test("only a sleeping receiver costs the sender an interrupt")
    func masks() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0, mode: .polling))
        var batch = FrameBatch()
        batch.append([1])
        func send() throws -> UInt64 {
            let before = sender.counters.interrupts
            _ = try sender.transmitBurst(batch)
            return sender.counters.interrupts - before
        }
        expectEqual(try send(), 0)
        #expect(pair.slave.details.transmitQueues[0].areInterruptsMasked)
        receiver.setMode(.interrupt)
        expectEqual(receiver.mode, .interrupt)
        expectEqual(try send(), 1)
        #expect(!pair.slave.details.transmitQueues[0].areInterruptsMasked)
        // Frames are there: it does not sleep, and asks for no more interrupts while it is awake.
        expectEqual(receiver.armInterrupt(), false)
        expectEqual(try send(), 0)
        receiver.setMode(.adaptive(spinning: .milliseconds(1)))
        expectEqual(try send(), 0)
        var incoming = FrameBatch()
        expectEqual(try receiver.receiveBurst(into: &incoming), 4)
        expectEqual(receiver.waitForFrames(milliseconds: 3), false)
        expectEqual(receiver.counters.sleeps, 1)
        expectEqual(try send(), 0)
    }

    static let modes: [ReceiveMode] = [
        .interrupt, .polling, .adaptive(spinning: .milliseconds(1)),
        .adaptive(spinning: .seconds(3600)),
    ]

    @Test("who is called before they wait, or while they spin, does not wait", arguments: modes)
    func called(_ mode: ReceiveMode) async throws {
        let pair = try await LinkPair()
        let link = pair.master
        let isWoken = try await onThread {
            var receiver = try unwrap(link.takeReceiveQueue(0, mode: mode))
            link.wakeReceiver(0)
            // As who sleeps does first: the eventfd is empty from here on.
            receiver.disarmInterrupt()
            let first = receiver.waitForFrames(milliseconds: 60_000)
            // One call is heard once.
            let second = receiver.waitForFrames(milliseconds: 2)
            link.wakeReceiver(0)
            let armed = (receiver.armInterrupt(), receiver.armInterrupt())
            return [first, second, armed.0, armed.1]
        }
        #expect(isWoken == [true, false, false, true])
        async let isWokenAgain = onThread { () -> Bool in
            var receiver = try unwrap(link.takeReceiveQueue(0, mode: mode))
            return receiver.waitForFrames(milliseconds: 60_000)
        }
        try await eventually("it waits") { link.details.receiveQueues[0].isTaken }
        link.wakeReceiver(0)
        #expect(try await isWokenAgain)
    }

    @Test("who waits is woken by name", arguments: [ReceiveMode.interrupt])
    func woken(_ mode: ReceiveMode) async throws {
        let pair = try await LinkPair()
        let link = pair.master
        async let isWoken = onThread { () -> Bool in
            guard var receiver = link.takeReceiveQueue(0, mode: mode) else { return false }
            return receiver.waitForFrames(milliseconds: 60_000)
        }
        try await eventually("it sleeps") {
            let queue = link.details.receiveQueues[0]
            return queue.isTaken && !queue.areInterruptsMasked
        }
        link.wakeReceiver(0)
        link.wakeReceiver(1)
        #expect(try await isWoken)
    }

    @Test("interrupts come as a callback and as an async sequence")
    func watched() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        let called = Flag()
        let watch = try receiver.watchInterrupts(on: pair.loop) { called.raise() }
        var interrupts = watch.interrupts.makeAsyncIterator()
        var batch = FrameBatch()
        var arrived = 0
        for round in UInt8(0)..<50 {
            while try receiver.receiveBurst(into: &batch) > 0 { arrived += batch.count }
            try #require(arrived == Int(round))
            guard receiver.armInterrupt(watch) else { continue }
            batch.removeAll()
            batch.append([round])
            expectEqual(try sender.transmitBurst(batch), 1)
            _ = await interrupts.next()
        }
        #expect(called.isRaised)
        expectEqual(try receiver.receiveBurst(into: &batch), 1)
        // The end of the link is told in the same way.
        expectEqual(receiver.armInterrupt(watch), true)
        pair.slaveInterface.remove()
        while await interrupts.next() != nil {
            do { _ = try receiver.receiveBurst(into: &batch) } catch { break }
        }
        #expect(await interrupts.next() == nil)
        watch.cancel()
    }

    @Test(
        "a peer that raises its eventfd without end is heard once each time that the queue is armed"
    )
    func raisedWithoutEnd() async throws {
        let pair = try await LinkPair()
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        let count = Mutex(0)
        let watch = try receiver.watchInterrupts(on: pair.loop) { count.withLock { $0 += 1 } }
        for round in 1...3 {
            receiver.interrupt.signal()
            try await eventually("it is told") { count.withLock { $0 == round } }
            receiver.interrupt.signal()
            // In the second of two turns it would have been told of that.
            await withCheckedContinuation { continuation in
                pair.loop.submit { pair.loop.submit { continuation.resume() } }
            }
            #expect(count.withLock { $0 } == round)
            expectEqual(receiver.armInterrupt(watch), true)
        }
        withExtendedLifetime(watch) {}
    }

    @Test("details say what is there")
    func details() async throws {
        let pair = try await LinkPair {
            $0.queues = QueueCounts(slaveToMaster: 2, masterToSlave: 1)
            $0.ringSize = 16
            $0.name = "eth7"
        }
        var sender = try unwrap(pair.slave.takeTransmitQueue(1))
        var batch = FrameBatch()
        for size in [10, 20, 0] { batch.append([UInt8](repeating: 1, count: size)) }
        expectEqual(try sender.transmitBurst(batch), 3)
        let details = pair.slave.details
        #expect(details.role == .slave && details.isUp && details.id == 0)
        #expect(details.peerInterfaceName == "eth7" && details.peerName == "virtwire")
        #expect(details.regionByteCounts.count == 1)
        #expect(details.receiveQueues.count == 1)
        let queue = details.transmitQueues[1]
        #expect(queue.index == 1 && queue.ringSize == 16 && queue.isTaken)
        #expect(!details.transmitQueues[0].isTaken)
        #expect(queue.head == 2 && queue.tail == 0)
        #expect(queue.direction == .slaveToMaster && queue.region == 0 && queue.offset > 0)
        #expect(queue.counters.packets == 2 && queue.counters.drops == 1)
        #expect(queue.counters.bytes == 30)
        pair.slaveInterface.remove()
        let after = pair.slave.details
        #expect(!after.isUp && after.receiveQueues.isEmpty)
    }
}

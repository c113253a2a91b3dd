import Glibc
import LinuxIO
import Memif
import Testing

@Suite("Signals in the midst of work")
struct InterruptionTests {
    /// In a process of its own, whose signals are no other test's.
    @Test("whatever system call they interrupt, on either thread, nothing ends and nothing is lost")
    func storm() async {
        await #expect(processExitsWith: .success) { try await Self.workInStorm() }
    }

    private static func workInStorm() async throws {
        catchSignals()
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        let master = try socket.add(InterfaceConfiguration())
        let control = await withCheckedContinuation { continuation in
            loop.submit { continuation.resume(returning: pthread_self()) }
        }
        let isOver = Flag()
        async let sent = onThread { interrupt(control, until: isOver) }
        // Also where a link does not come up, or the test would wait for the storm for ever.
        defer { isOver.raise() }
        for _ in 0..<20 {
            let slave = try MemifInterface.connect(
                to: directory.address(), InterfaceConfiguration(), on: loop,
                handshakeTimeout: .seconds(120))
            let near = try await master.waitForLink(within: .seconds(60))
            let far = try await slave.waitForLink(within: .seconds(60))
            async let received = onThread { try receive(500, from: near) }
            try await onThread { try send(500, to: far) }
            let count = try await received
            try #require(count == 500)
            slave.remove()
            try await eventually("the master is free again") { master.link == nil }
        }
        isOver.raise()
        let signals = try await sent
        try #require(signals > 0)
        socket.close()
        loop.stop()
    }

    /// Signals that do nothing but end the system call that they come into.
    private static func catchSignals() {
        // Without SA_RESTART.
        var action = sigaction()
        // SAFETY: the action lives for the call, and its handler, which is told no more, for ever.
        unsafe action.__sigaction_handler.sa_handler = { _ in }
        unsafe sigaction(SIGUSR1, &action, nil)
    }

    private static func interrupt(_ thread: pthread_t, until isOver: Flag) -> Int {
        var count = 0
        while !isOver.isRaised {
            pthread_kill(thread, SIGUSR1)
            count += 1
            sched_yield()
        }
        return count
    }

    /// Sends frames one by one, so that the receiver sleeps between them.
    private static func send(_ count: Int, to link: MemifLink) throws {
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: 1)
        batch.append([1, 2, 3])
        for _ in 0..<count {
            while try sender.transmitBurst(batch) == 0 { sched_yield() }
        }
    }

    private static func receive(_ count: Int, from link: MemifLink) throws -> Int {
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
        let own = pthread_self()
        var batch = FrameBatch()
        var received = 0
        while received < count {
            received += try receiver.receiveBurst(into: &batch)
            // One that is pending when the wait begins.
            pthread_kill(own, SIGUSR1)
            _ = receiver.waitForFrames(milliseconds: 1000)
        }
        return received
    }
}

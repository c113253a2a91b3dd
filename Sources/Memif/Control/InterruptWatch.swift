public import LinuxIO
internal import Synchronization

/// Tells of a receive queue's interrupts without a thread that sleeps for them: by a callback, and as
/// an async sequence.
///
/// The owner of the queue receives until nothing is left, calls `ReceiveQueue.armInterrupt(_:)`, and,
/// where that says so, waits for the next interrupt. Each masks the queue's interrupts, so that
/// the peer raises no more of them until the queue is armed again; of those that it raises all the same
/// nothing is heard. The end of the link is an interrupt too, and the last.
public final class InterruptWatch: Sendable {
    /// An element for each interrupt since the last that was taken; it ends with `cancel`, and with the link.
    public let interrupts: AsyncStream<Void>

    private struct State {
        var watch: EventLoop.Watch?
        var timer: EventLoop.Timer?
        var isCancelled = false
    }

    private let ring: Ring
    /// Keeps the ring mapped.
    private let memory: LinkMemory
    private let status: LinkStatus
    private let loop: EventLoop
    private let continuation: AsyncStream<Void>.Continuation
    private let callback: (@Sendable () -> Void)?
    private let state = Mutex(State())

    init(
        _ ring: Ring, _ memory: LinkMemory, _ status: LinkStatus, on loop: EventLoop,
        _ callback: (@Sendable () -> Void)?
    ) throws(SystemError) {
        self.ring = ring
        self.memory = memory
        self.status = status
        self.loop = loop
        self.callback = callback
        (interrupts, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try state.withLock { state throws(SystemError) in
            state.watch = try loop.watch(ring.interrupt.descriptor, for: .readable) {
                [weak self] _ in self?.fire()
            }
        }
    }

    deinit { cancel() }

    /// Ends it: no callback begins after this on the loop's own thread.
    public func cancel() {
        let (watch, timer) = state.withLock { state in
            state.isCancelled = true
            return (state.watch.take(), state.timer.take())
        }
        if let watch { loop.cancel(watch, ring.interrupt.descriptor) }
        if let timer { loop.cancel(timer) }
        continuation.finish()
    }

    private func fire() {
        // Masked before it is emptied and told, so that the owner's look at the ring comes last.
        ring.memory.maskInterrupts()
        let timer = state.withLock { state in
            // A peer that raises it again and again has no part of the loop's time.
            listen(for: [], state)
            return state.timer.take()
        }
        ring.interrupt.drain()
        if let timer { loop.cancel(timer) }
        let isLast = status.hasEnded
        callback?()
        continuation.yield()
        if isLast { cancel() }
    }

    private func listen(for interest: Readiness, _ state: borrowing State) {
        guard let watch = state.watch else { return }
        try? loop.update(watch, ring.interrupt.descriptor, for: interest)
    }

    /// Listens from now on, and looks once more in a moment: see `RingMemory.allowInterrupts`.
    func recheck(_ limit: UInt16) {
        let timer = loop.schedule(after: .milliseconds(Int64(ReceiveQueue.recheckDelay))) {
            [weak self] in
            guard let self, ring.memory.peerIndex() != limit else { return }
            fire()
        }
        let old = state.withLock { state in
            if state.isCancelled { return Optional(timer) }
            listen(for: .readable, state)
            return exchange(&state.timer, with: timer)
        }
        if let old { loop.cancel(old) }
    }
}

extension ReceiveQueue {
    /// Watches for the queue's interrupts on an event loop. A queue has one watch at a time, and no
    /// thread that sleeps in `waitForFrames` meanwhile.
    ///
    /// - Parameter callback: runs on the loop's thread: it must not block.
    /// - Throws: `MemifError` with `.system`: EEXIST for a queue that is watched on this loop already.
    public func watchInterrupts(
        on loop: EventLoop, _ callback: (@Sendable () -> Void)? = nil
    ) throws(MemifError) -> InterruptWatch {
        do throws(SystemError) {
            return try InterruptWatch(endpoint, memory, status, on: loop, callback)
        } catch {
            throw MemifError(error)
        }
    }

    /// Asks the peer for an interrupt, of which the watch will tell, and tells whether there is
    /// nothing to receive until then. Looks again in a moment by itself, as peers of other makes need it.
    public mutating func armInterrupt(_ watch: InterruptWatch) -> Bool {
        guard armInterrupt() else { return false }
        counters.sleeps &+= 1
        watch.recheck(limit)
        return true
    }
}

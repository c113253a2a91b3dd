internal import LinuxIO

extension ReceiveQueue {
    /// Asks the peer for an interrupt and tells whether the owner may sleep until it comes.
    ///
    /// When it may, the eventfd becomes readable as soon as a frame is published or the peer goes on
    /// with one that was incomplete; see `RingMemory.publishAndCheck` for why none is missed. For
    /// peers of other makes look again after `recheckDelay`, once. When it may not, interrupts are
    /// off again and there is something to receive, `MemifLink.wakeReceiver` was called, or the link is
    /// over.
    public mutating func armInterrupt() -> Bool {
        // Emptied first: an interrupt that comes from now on stays pending, and so does a call.
        endpoint.interrupt.drain()
        let index = ring.allowInterrupts()
        let isIdle = index == limit && (position == limit || isStalled)
        if isIdle, !isSealed, !status.hasEnded, !endpoint.hearCall() { return true }
        ring.maskInterrupts()
        return false
    }

    /// Tells the peer that its frames are looked for anyway: it saves itself the interrupts.
    public mutating func disarmInterrupt() {
        ring.maskInterrupts()
        endpoint.interrupt.drain()
    }

    /// Whether something may have come since the last burst; loads the peer's index, nothing else.
    public var hasNews: Bool {
        ring.peerIndex() != limit || (position != limit && !isStalled) || isSealed
            || status.hasEnded
    }

    /// Changes how the owner learns of frames. What came before may need no interrupt: look at the ring
    /// once after it.
    public mutating func setMode(_ mode: ReceiveMode) {
        self.mode = mode
        applyMode()
    }

    func applyMode() {
        switch mode {
        case .polling, .adaptive: ring.maskInterrupts()
        case .interrupt: _ = ring.allowInterrupts()
        }
    }

    /// Waits, as the queue's mode says, until there may be frames, the link is over, somebody calls
    /// `MemifLink.wakeReceiver`, or the time has passed.
    ///
    /// Keeps the calling thread: spinning in polling mode, asleep in interrupt mode, one after the other in
    /// adaptive mode. The end of the link ends it.
    ///
    /// - Parameter milliseconds: how long at most; -1 waits without end.
    /// - Returns: false when the time passed and nothing came.
    public mutating func waitForFrames(milliseconds: Int32 = -1) -> Bool {
        let hasCome = hasNews || endpoint.isCalled || wait(milliseconds)
        // Here a call is heard, also one that came in the last moment.
        return endpoint.hearCall() || hasCome
    }

    private mutating func wait(_ milliseconds: Int32) -> Bool {
        let limit = milliseconds < 0 ? nil : Duration.milliseconds(Int64(milliseconds))
        switch mode {
        case .interrupt: return sleepForFrames(milliseconds)
        case .polling: return spinForFrames(limit)
        case .adaptive(let spinning):
            let first = min(spinning, limit ?? spinning)
            if spinForFrames(first) { return true }
            guard let limit else { return sleepForFrames(-1) }
            let (seconds, attoseconds) = max(limit - first, .zero).components
            return sleepForFrames(
                Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000))
        }
    }

    /// Looks again and again; the clock only now and then.
    private func spinForFrames(_ limit: Duration?) -> Bool {
        let end = limit.map { ContinuousClock.now + $0 }
        while true {
            for _ in 0..<32 {
                if hasNews || endpoint.isCalled { return true }
                Thread.pause()
            }
            if let end, ContinuousClock.now >= end { return false }
        }
    }

    private mutating func sleepForFrames(_ milliseconds: Int32) -> Bool {
        guard armInterrupt() else { return true }
        counters.sleeps &+= 1
        defer { disarmInterrupt() }
        let first = milliseconds < 0 ? Self.recheckDelay : min(milliseconds, Self.recheckDelay)
        if endpoint.interrupt.wait(milliseconds: first) || hasNews { return true }
        guard milliseconds != first else { return false }
        let rest = milliseconds < 0 ? -1 : milliseconds - first
        return endpoint.interrupt.wait(milliseconds: rest) || hasNews
    }
}

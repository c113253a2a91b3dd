internal import LinuxIO

extension ReceiveQueue {
    /// Asks the peer for an interrupt and tells whether the owner may sleep until it comes.
    ///
    /// When it may, the eventfd becomes readable as soon as a frame is published or the peer goes on
    /// with one that was incomplete; see `RingMemory.publishAndCheck` for why none is missed. For
    /// peers of other makes look again after `recheckDelay`, once. When it may not, interrupts are
    /// off again and there is something to receive, or the link is over.
    public mutating func armInterrupt() -> Bool {
        // Emptied first: an interrupt that comes from now on stays pending.
        endpoint.interrupt.drain()
        let index = ring.allowInterrupts()
        let isIdle = index == limit && (position == limit || isStalled)
        if isIdle, !isSealed, !status.hasEnded { return true }
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

    /// Sleeps until there may be frames, the link is over, or the time has passed.
    ///
    /// Blocks the calling thread. The end of the link wakes it.
    ///
    /// - Parameter milliseconds: how long at most; -1 waits without end.
    /// - Returns: false when the time passed and nothing came.
    public mutating func waitForFrames(milliseconds: Int32 = -1) -> Bool {
        if hasNews { return true }
        guard armInterrupt() else { return true }
        defer { disarmInterrupt() }
        let first = milliseconds < 0 ? Self.recheckDelay : min(milliseconds, Self.recheckDelay)
        if endpoint.interrupt.wait(milliseconds: first) || hasNews { return true }
        guard milliseconds != first else { return false }
        let rest = milliseconds < 0 ? -1 : milliseconds - first
        return endpoint.interrupt.wait(milliseconds: rest) || hasNews
    }
}

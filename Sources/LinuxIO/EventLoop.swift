internal import Glibc
internal import Synchronization

/// One thread that waits for many descriptors and timers and runs their handlers, one at a time.
///
/// Handlers and submitted work must not block: everything that the loop serves waits meanwhile.
public final class EventLoop: Sendable {
    /// What watching a descriptor gave: the means to change it and to stop it.
    ///
    /// The watched descriptor must stay open until `cancel` has run on the loop's thread.
    public struct Watch: Hashable, Sendable {
        let token: UInt64
    }

    /// A timer that has been set.
    public struct Timer: Hashable, Comparable, Sendable {
        let deadline: ContinuousClock.Instant
        let token: UInt64

        /// Whether one is due before the other; of two due at once, whether it was set first.
        public static func < (left: Timer, right: Timer) -> Bool {
            (left.deadline, left.token) < (right.deadline, right.token)
        }
    }

    private typealias Handler = @Sendable (Readiness) -> Void
    private typealias Work = @Sendable () -> Void

    // No closure is let go of under the lock: what it captured may have a deinit that calls the loop.
    private struct State: ~Copyable {
        var handlers: [UInt64: Handler] = [:]
        var timers = TimerQueue()
        var submitted: [Work] = []
        var nextToken: UInt64 = 1
        var isStopping = false
        var thread: Int32?

        mutating func takeToken() -> UInt64 {
            defer { nextToken += 1 }
            return nextToken
        }
    }

    private let poller: Poller
    private let wake: EventCounter
    private let state = Mutex(State())

    private static let wakeToken: UInt64 = 0

    /// Starts a loop on a thread of its own.
    ///
    /// - Parameters:
    ///   - name: the thread's, at most 15 bytes.
    ///   - cpu: pins the thread; nil does not.
    public static func start(name: String, cpu: Int? = nil) throws(SystemError) -> EventLoop {
        let loop = try EventLoop()
        try Thread.start(name: name, cpu: cpu) { loop.run() }
        return loop
    }

    private init() throws(SystemError) {
        poller = try Poller()
        wake = try EventCounter()
        try poller.add(wake.descriptor, for: .readable, token: Self.wakeToken)
    }

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool {
        let current = Thread.currentID
        return state.withLock { $0.thread == current }
    }

    /// Runs a piece of work on the loop's thread, soon, after work submitted earlier.
    /// After `stop` it is dropped.
    public func submit(_ work: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            if state.isStopping { return false }
            state.submitted.append(work)
            return state.submitted.count == 1
        }
        if isFirst { wake.signal() }
    }

    /// Watches a descriptor; the handler runs on the loop's thread with what was found.
    ///
    /// - Throws: `SystemError`; EEXIST for a descriptor that is watched already, EPERM for one that
    ///   cannot be (a plain file), ECANCELED after `stop`.
    public func watch(
        _ descriptor: borrowing OwnedDescriptor, for interest: Readiness,
        _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(SystemError) -> Watch {
        let token = state.withLock { state -> UInt64? in
            if state.isStopping { return nil }
            let token = state.takeToken()
            state.handlers[token] = handler
            return token
        }
        guard let token else {
            throw SystemError(code: ECANCELED, operation: "watch a descriptor on a stopped loop")
        }
        do {
            try poller.add(descriptor, for: interest, token: token)
        } catch {
            forgetHandler(of: token)
            throw error
        }
        return Watch(token: token)
    }

    /// Changes what a descriptor is watched for.
    public func update(
        _ watch: Watch, _ descriptor: borrowing OwnedDescriptor, for interest: Readiness
    ) throws(SystemError) {
        try poller.modify(descriptor, for: interest, token: watch.token)
    }

    /// Stops watching. No handler call begins after this returns on the loop's own thread; from
    /// another thread one may be running still.
    public func cancel(_ watch: Watch, _ descriptor: borrowing OwnedDescriptor) {
        poller.remove(descriptor)
        forgetHandler(of: watch.token)
    }

    /// Runs a piece of work on the loop's thread after a while, once. After `stop` it is dropped.
    @discardableResult
    public func schedule(
        after delay: Duration, _ body: @escaping @Sendable () -> Void
    ) -> Timer {
        let deadline = ContinuousClock.now + max(delay, .zero)
        let current = Thread.currentID
        let (timer, isNews) = state.withLock { state in
            let timer = Timer(deadline: deadline, token: state.takeToken())
            if state.isStopping { return (timer, false) }
            state.timers.insert(timer, body)
            // The loop's own thread looks at the timers before it waits again.
            let isFirst = state.timers.nextDeadline == deadline
            return (timer, isFirst && state.thread != current)
        }
        if isNews { wake.signal() }
        return timer
    }

    /// Unsets a timer; one that is running already runs to its end.
    public func cancel(_ timer: Timer) {
        let body = state.withLock { $0.timers.remove(timer) }
        _ = body
    }

    /// Ends the loop's thread after the handler that is running, and drops handlers, timers and work.
    public func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    private func forgetHandler(of token: UInt64) {
        let handler = state.withLock { $0.handlers.removeValue(forKey: token) }
        _ = handler
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func run() {
        let thread = Thread.currentID
        state.withLock { $0.thread = thread }
        while !isStopping {
            do {
                try poller.wait(milliseconds: millisecondsToNextTimer()) { token, readiness in
                    handle(token, readiness)
                }
            } catch {
                preconditionFailure("an epoll set of our own refused to wait: \(error)")
            }
            runDueTimers()
        }
        // Let go of what handlers captured, so that owners of this loop are freed.
        let leftovers = state.withLock { state in
            let leftovers = (state.handlers, state.timers, state.submitted)
            state.handlers = [:]
            state.timers = TimerQueue()
            state.submitted = []
            return leftovers
        }
        _ = leftovers
    }

    private func handle(_ token: UInt64, _ readiness: Readiness) {
        guard token == Self.wakeToken else {
            let handler = state.withLock { $0.isStopping ? nil : $0.handlers[token] }
            handler?(readiness)
            return
        }
        wake.drain()
        let work = state.withLock { state in
            let work = state.submitted
            state.submitted = []
            return work
        }
        for item in work where !isStopping { item() }
    }

    private func millisecondsToNextTimer() -> Int32 {
        let next = state.withLock { $0.timers.nextDeadline }
        guard let next else { return -1 }
        let left = ContinuousClock.now.duration(to: next)
        guard left > .zero else { return 0 }
        // A wait of a day at most: the loop then looks again.
        let (seconds, attoseconds) = min(left, .seconds(86400)).components
        // Rounded up, so that the timer is due when the wait ends and the loop does not spin.
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    /// Runs what is due now, one at a time: a timer may cancel the next. A timer set meanwhile
    /// waits for the next turn, so that one which sets itself again cannot starve the descriptors.
    private func runDueTimers() {
        let now = ContinuousClock.now
        while let body = state.withLock({ state in
            state.isStopping ? nil : state.timers.popFirst(dueAt: now)
        }) {
            body()
        }
    }
}

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
    public struct Timer: Hashable, Sendable {
        let deadline: ContinuousClock.Instant
        let token: UInt64
    }

    private struct State: ~Copyable {
        var handlers: [UInt64: @Sendable (Readiness) -> Void] = [:]
        var timers: [UInt64: (deadline: ContinuousClock.Instant, body: @Sendable () -> Void)] = [:]
        var submitted: [@Sendable () -> Void] = []
        var nextToken: UInt64 = 1
        var isStopping = false
        var thread: Int32?
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
    public func watch(
        _ descriptor: borrowing OwnedDescriptor, for interest: Readiness,
        _ handler: @escaping @Sendable (Readiness) -> Void
    ) throws(SystemError) -> Watch {
        let token = state.withLock { state in
            let token = state.nextToken
            state.nextToken += 1
            state.handlers[token] = handler
            return token
        }
        do {
            try poller.add(descriptor, for: interest, token: token)
        } catch {
            state.withLock { state in _ = state.handlers.removeValue(forKey: token) }
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
        state.withLock { state in _ = state.handlers.removeValue(forKey: watch.token) }
    }

    /// Runs a piece of work on the loop's thread after a while, once.
    @discardableResult
    public func schedule(
        after delay: Duration, _ body: @escaping @Sendable () -> Void
    ) -> Timer {
        let deadline = ContinuousClock.now + delay
        let timer = state.withLock { state in
            let token = state.nextToken
            state.nextToken += 1
            state.timers[token] = (deadline, body)
            return Timer(deadline: deadline, token: token)
        }
        if !isCurrent { wake.signal() }
        return timer
    }

    /// Unsets a timer; one that is running already runs to its end.
    public func cancel(_ timer: Timer) {
        state.withLock { state in _ = state.timers.removeValue(forKey: timer.token) }
    }

    /// Ends the loop's thread after the handler that is running, and drops handlers, timers and work.
    public func stop() {
        state.withLock { $0.isStopping = true }
        wake.signal()
    }

    private func run() {
        let thread = Thread.currentID
        state.withLock { $0.thread = thread }
        while !state.withLock({ $0.isStopping }) {
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
            let handlers = state.handlers
            let timers = state.timers
            state.handlers = [:]
            state.timers = [:]
            state.submitted = []
            return (handlers, timers)
        }
        _ = leftovers
    }

    private func handle(_ token: UInt64, _ readiness: Readiness) {
        guard token == Self.wakeToken else {
            let handler = state.withLock { $0.handlers[token] }
            handler?(readiness)
            return
        }
        wake.drain()
        let work = state.withLock { state in
            let work = state.submitted
            state.submitted = []
            return work
        }
        for item in work { item() }
    }

    private func millisecondsToNextTimer() -> Int32 {
        let next = state.withLock { state in state.timers.values.map(\.deadline).min() }
        guard let next else { return -1 }
        let left = ContinuousClock.now.duration(to: next)
        guard left > .zero else { return 0 }
        // Rounded up, so that the timer is due when the wait ends and the loop does not spin.
        let (seconds, attoseconds) = left.components
        return Int32(clamping: seconds * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
    }

    private func runDueTimers() {
        let now = ContinuousClock.now
        let due = state.withLock { state in
            let due = state.timers.filter { $0.value.deadline <= now }
                .sorted { ($0.value.deadline, $0.key) < ($1.value.deadline, $1.key) }
            for timer in due { state.timers[timer.key] = nil }
            return due.map(\.value.body)
        }
        for body in due { body() }
    }
}

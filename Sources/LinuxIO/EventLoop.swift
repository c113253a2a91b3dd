internal import Glibc
internal import Synchronization

/// One thread that waits for many descriptors and timers and runs their handlers, one at a time.
/// (`EventLoop.unattended` has no thread: its owner polls one descriptor.)
///
/// Handlers and submitted work must not block: everything that the loop serves waits meanwhile. The loop
/// runs tasks too, as an executor of theirs, and the same holds for them.
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
        var parts = PartQueue()
        var jobs = JobQueue()
        var nextToken: UInt64 = 1
        var isStopping = false
        var thread: Int32?
        /// Whether the thread waits, or is about to, and nobody has woken it yet.
        var isWaiting = false

        mutating func takeToken() -> UInt64 {
            defer { nextToken += 1 }
            return nextToken
        }

        /// Whether the caller has to wake the thread, so that it sees what was added: one does, and
        /// never the thread itself.
        mutating func mustWake() -> Bool {
            defer { isWaiting = false }
            return isWaiting
        }
    }

    let poller: Poller
    private let wake: EventCounter
    private let state = Mutex(State())
    /// Makes `poller` readable when a timer is due, where nobody waits for it with a limit.
    let alarm: AlarmClock?

    private static let wakeToken: UInt64 = 0
    private static let alarmToken = UInt64.max
    private static let mostRoundsOfJobs = 16

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

    /// - Parameter alarm: wakes a loop without a thread; its owner is told of all that is submitted.
    init(_ alarm: AlarmClock? = nil) throws(SystemError) {
        poller = try Poller()
        wake = try EventCounter()
        self.alarm = alarm
        // Each raise is reported once, so that nobody has to lower it again.
        try poller.add(
            wake.descriptor, for: [.readable, .edgeTriggered], token: Self.wakeToken)
        guard let alarm else { return }
        try poller.add(alarm.descriptor, for: .readable, token: Self.alarmToken)
        state.withLock { $0.isWaiting = true }
    }

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool {
        let current = Thread.currentID
        return state.withLock { $0.thread == current }
    }

    /// Runs a piece of work on the loop's thread, soon, after work submitted earlier.
    /// After `stop` it is dropped.
    public func submit(_ work: @escaping @Sendable () -> Void) {
        let mustWake = state.withLock { state in
            if state.isStopping { return false }
            state.submitted.append(work)
            return state.mustWake()
        }
        if mustWake { wake.raise() }
    }

    /// Runs a part of a long piece of work on the loop's thread, soon: one part in each turn of the loop,
    /// whoever submitted it, so that handlers have their turn in between however many there are.
    /// After `stop` it is dropped.
    ///
    /// - Parameter rest: how much of the piece is left, this part included, in a measure that all share. The
    ///   piece that is done the soonest goes first; so each is done as early as it can be, and none waits
    ///   for a larger one.
    public func submitPart(of rest: Int, _ work: @escaping @Sendable () -> Void) {
        let mustWake = state.withLock { state in
            if state.isStopping { return false }
            state.parts.append(work, of: rest)
            return state.mustWake()
        }
        if mustWake { wake.raise() }
    }

    /// Takes a job of a task's; false after `stop`.
    func take(_ job: UnownedJob) -> Bool {
        let (isTaken, mustWake) = state.withLock { state in
            if state.isStopping { return (false, false) }
            state.jobs.append(job)
            return (true, state.mustWake())
        }
        if mustWake { wake.raise() }
        return isTaken
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
        let (timer, mustWake) = state.withLock { state in
            let timer = Timer(deadline: deadline, token: state.takeToken())
            if state.isStopping { return (timer, false) }
            state.timers.insert(timer, body)
            let isFirst = state.timers.nextDeadline == deadline
            return (timer, isFirst && state.mustWake())
        }
        if mustWake { wake.raise() }
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
        wake.raise()
    }

    private func forgetHandler(of token: UInt64) {
        let handler = state.withLock { $0.handlers.removeValue(forKey: token) }
        _ = handler
    }

    private var isStopping: Bool { state.withLock { $0.isStopping } }

    private func run() {
        let thread = Thread.currentID
        state.withLock { $0.thread = thread }
        var jobs = JobQueue()
        while let milliseconds = beginWait() {
            do {
                try poller.wait(milliseconds: milliseconds) { token, readiness in
                    handle(token, readiness)
                }
            } catch {
                preconditionFailure("an epoll set of our own refused to wait: \(error)")
            }
            runSubmitted()
            runPart()
            runJobs(&jobs)
            runDueTimers()
        }
        dropHandlers(&jobs)
    }

    /// One turn without waiting, for a loop without a thread. What is left to do afterwards makes the
    /// poller readable again.
    func turn() throws(SystemError) {
        let thread = Thread.currentID
        state.withLock { $0.thread = thread }
        defer { state.withLock { $0.thread = nil } }
        var jobs = JobQueue()
        try poller.wait(milliseconds: 0) { token, readiness in handle(token, readiness) }
        runSubmitted()
        runPart()
        runJobs(&jobs)
        runDueTimers()
        guard let milliseconds = beginWait() else { return dropHandlers(&jobs) }
        if milliseconds == 0 { wake.raise() }
        try alarm?.set(for: state.withLock { $0.timers.nextDeadline })
    }

    /// Lets go of what handlers captured, so that owners of this loop are freed.
    private func dropHandlers(_ jobs: inout JobQueue) {
        let leftovers = state.withLock { state in
            swap(&jobs, &state.jobs)
            let leftovers = (state.handlers, state.timers, state.submitted, state.parts)
            state.handlers = [:]
            state.timers = TimerQueue()
            state.submitted = []
            state.parts = PartQueue()
            return leftovers
        }
        _ = leftovers
        jobs.moveElsewhere()
    }

    /// How long to wait, in milliseconds: -1 is without end. Nil when the loop is stopping.
    private func beginWait() -> Int32? {
        state.withLock { state in
            if state.isStopping { return nil }
            guard state.submitted.isEmpty, state.parts.isEmpty, state.jobs.isEmpty else { return 0 }
            let milliseconds = state.timers.millisecondsToNext()
            state.isWaiting = milliseconds != 0
            return milliseconds
        }
    }

    private func handle(_ token: UInt64, _ readiness: Readiness) {
        let handler = state.withLock { state in
            state.isWaiting = false
            return state.isStopping ? nil : state.handlers[token]
        }
        handler?(readiness)
    }

    private func runSubmitted() {
        let work = state.withLock { state in
            state.isWaiting = false
            let work = state.submitted
            if !work.isEmpty { state.submitted = [] }
            return work
        }
        for item in work where !isStopping { item() }
    }

    private func runPart() {
        let part = state.withLock { $0.isStopping ? nil : $0.parts.popNext() }
        part?()
    }

    /// Runs tasks that are ready, and those that they make ready, and leaves in time to look at the
    /// descriptors: tasks may make each other ready without end.
    private func runJobs(_ jobs: inout JobQueue) {
        for _ in 0..<Self.mostRoundsOfJobs {
            state.withLock { swap(&jobs, &$0.jobs) }
            if jobs.isEmpty { return }
            jobs.run(on: self)
        }
    }

    /// Runs what is due now, one at a time: a timer may cancel the next. A timer set meanwhile
    /// waits for the next turn, so that one which sets itself again cannot starve the descriptors.
    private func runDueTimers() {
        guard state.withLock({ $0.timers.nextDeadline != nil }) else { return }
        let now = ContinuousClock.now
        while let body = state.withLock({ state in
            state.isStopping ? nil : state.timers.popFirst(dueAt: now)
        }) {
            body()
        }
    }
}

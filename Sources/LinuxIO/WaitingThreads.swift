internal import Glibc
internal import Synchronization

/// Threads for parts of tasks that wait for a disk, or for a service of the host's such as its account
/// databases. Swift's own threads are as few as the processors, and everything stands still while they wait.
///
/// There is a thread for each part that waits, up to a limit; what comes beyond that waits for one of them.
/// It has to be kept for as long as a task prefers it.
///
///     await withTaskExecutorPreference(threads) { … }
public final class WaitingThreads: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Since when each part that is under way has been so, by a number of its own.
        var busy: [Int: ContinuousClock.Instant] = [:]
        var count = 0
        var lastNumber = 0
    }

    private let most: Int
    private let state = Mutex(State())

    /// Some that are always kept.
    public static let shared = WaitingThreads()

    /// - Parameter most: how many there are at once.
    public init(most: Int = 64) { self.most = most }

    /// How long the longest part of a task that is under way has been so.
    public var longestWait: Duration {
        state.withLock { $0.busy.values.min()?.duration(to: .now) ?? .zero }
    }

    /// Runs a part of a task on one of the threads, soon.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustStart = state.withLock { state in
            state.jobs.append(job)
            guard state.count < most else { return false }
            state.count += 1
            return true
        }
        if mustStart { start() }
    }

    private func start() {
        do throws(SystemError) {
            try SpareThreads.shared.run { self.work() }
        } catch {
            // No room for a thread. Where there is another it comes to this job too.
            let stranded = state.withLock { state in
                state.count -= 1
                return state.count == 0 ? exchange(&state.jobs, with: []) : []
            }
            for job in stranded { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        }
    }

    private func work() {
        while let (job, number) = next() {
            // SAFETY: each job came out of `enqueue` once, and leaves the queue in `next`.
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
            state.withLock { $0.busy[number] = nil }
        }
    }

    private func next() -> (UnownedJob, Int)? {
        state.withLock { state in
            if state.jobs.isEmpty {
                state.count -= 1
                return nil
            }
            state.lastNumber += 1
            state.busy[state.lastNumber] = .now
            return (state.jobs.removeFirst(), state.lastNumber)
        }
    }
}

/// Threads that have nothing to do for the moment: to wake one takes less than to make one.
private final class SpareThreads: Sendable {
    private struct State {
        /// One for each thread that has been woken and has not begun.
        var bodies: [@Sendable () -> Void] = []
        var idle = 0
    }

    static let shared = SpareThreads()
    /// So many are kept.
    private static let most = 8

    private let state = Mutex(State())
    private let wake = ThreadSemaphore()

    /// Runs something on one of them, or on a new one.
    func run(_ body: @escaping @Sendable () -> Void) throws(SystemError) {
        let isTaken = state.withLock { state in
            guard state.idle > 0 else { return false }
            state.idle -= 1
            state.bodies.append(body)
            return true
        }
        if isTaken { return wake.signal() }
        try Thread.start(name: "waiting") {
            body()
            self.serve()
        }
    }

    private func serve() {
        while park() {
            wake.wait()
            state.withLock { $0.bodies.removeFirst() }()
        }
    }

    private func park() -> Bool {
        state.withLock { state in
            guard state.idle < Self.most else { return false }
            state.idle += 1
            return true
        }
    }
}

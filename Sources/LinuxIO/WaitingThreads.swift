internal import Glibc
internal import Synchronization

/// Threads for parts of tasks that wait for a disk, or for a service of the host's such as its account
/// databases. Swift's own threads are as few as the processors, and everything stands still while they wait.
///
/// There is a thread for each part that waits, up to a limit; what comes beyond that waits for one of them.
///
///     await withTaskExecutorPreference(WaitingThreads.shared) { … }
public final class WaitingThreads: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        /// Since when each thread has been at what it does, by a number of its own.
        var busy: [Int: ContinuousClock.Instant] = [:]
        var idle = 0
        var count = 0
        var lastNumber = 0
    }

    /// What a thread does next.
    private enum Step {
        case run(UnownedJob, Int)
        /// Waits until it is woken.
        case park
        case end
    }

    private let most: Int
    private let state = Mutex(State())
    private let wake = ThreadSemaphore()

    /// So many threads stay when there is nothing to do.
    private static let spare = 4

    /// Those of this process. They are never stopped.
    public static let shared = WaitingThreads(most: 64)

    init(most: Int) { self.most = most }

    /// How long the longest part of a task that is under way has been so.
    public var longestWait: Duration {
        state.withLock { $0.busy.values.map { $0.duration(to: .now) }.max() ?? .zero }
    }

    /// Runs a part of a task on one of the threads, soon.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let (mustWake, mustStart) = state.withLock { state in
            state.jobs.append(job)
            if state.idle > 0 {
                state.idle -= 1
                return (true, false)
            }
            guard state.count < most else { return (false, false) }
            state.count += 1
            return (false, true)
        }
        if mustWake { wake.signal() }
        if mustStart { start() }
    }

    private func start() {
        do throws(SystemError) {
            try Thread.start(name: "waiting") { self.work() }
        } catch {
            // No room for a thread. Where there is another it comes to this job too.
            let stranded = state.withLock { state in
                state.count -= 1
                guard state.count == 0 else { return [UnownedJob]() }
                return exchange(&state.jobs, with: [])
            }
            for job in stranded { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        }
    }

    private func work() {
        while true {
            switch next() {
            case .run(let job, let number):
                // SAFETY: each job came out of `enqueue` once, and leaves the queue in `next`.
                unsafe job.runSynchronously(on: asUnownedTaskExecutor())
                state.withLock { $0.busy[number] = nil }
            case .park: wake.wait()
            case .end: return
            }
        }
    }

    private func next() -> Step {
        state.withLock { state in
            if !state.jobs.isEmpty {
                state.lastNumber += 1
                state.busy[state.lastNumber] = .now
                return .run(state.jobs.removeFirst(), state.lastNumber)
            }
            guard state.idle < Self.spare else {
                state.count -= 1
                return .end
            }
            state.idle += 1
            return .park
        }
    }
}

/// Wakes threads, as many as it is signalled times. It stays for as long as the process.
@safe
private struct ThreadSemaphore: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<sem_t>

    init() {
        // SAFETY: the memory is made here, never freed, and used through calls that any thread may make.
        unsafe memory = .allocate(capacity: 1)
        _ = unsafe sem_init(memory, 0, 0)
    }

    func signal() { _ = unsafe sem_post(memory) }

    func wait() {
        // A signal that came to the thread ends a wait early.
        while unsafe sem_wait(memory) == -1 {}
    }
}

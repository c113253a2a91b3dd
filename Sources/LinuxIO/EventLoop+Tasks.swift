extension EventLoop: TaskExecutor {
    /// Runs a part of a task on the loop's thread, soon: for `withTaskExecutorPreference` and the like.
    ///
    /// What waits for a descriptor that this loop watches then goes on without a change of threads.
    /// After `stop` tasks run on Swift's own threads instead.
    public func enqueue(_ job: consuming ExecutorJob) {
        // Run once: by the loop, or, where the loop does not take it, elsewhere.
        let job = UnownedJob(job)
        if !take(job) { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
    }
}

/// Parts of tasks that wait to be run.
struct JobQueue {
    private var jobs: [UnownedJob] = []

    var isEmpty: Bool { jobs.isEmpty }

    mutating func append(_ job: UnownedJob) { jobs.append(job) }

    /// Runs each, and keeps the memory.
    mutating func run(on loop: EventLoop) {
        // SAFETY: each job came out of `enqueue` once, and leaves the queue here.
        for job in jobs { unsafe job.runSynchronously(on: loop.asUnownedTaskExecutor()) }
        jobs.removeAll(keepingCapacity: true)
    }

    /// Gives each to Swift's own threads.
    mutating func moveElsewhere() {
        for job in jobs { globalConcurrentExecutor.enqueue(ExecutorJob(job)) }
        jobs = []
    }
}

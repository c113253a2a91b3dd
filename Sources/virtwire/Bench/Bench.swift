internal import LinuxIO
internal import Memif
internal import Synchronization

/// A run of one plan on one link: a thread for each queue, and a line each second.
final class Bench: Sendable {
    let plan: BenchPlan
    let link: MemifLink
    private let stopping = Atomic<Bool>(false)
    private let state = Mutex(State())

    private struct State {
        var running = 0
        var whenDone: CheckedContinuation<Void, Never>?
        var roundTrips = RoundTrips()
        var failure: LinkEnd?
    }

    init(_ plan: BenchPlan, _ link: MemifLink) {
        self.plan = plan
        self.link = link
    }

    /// Whether the queues' threads are to end.
    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// What went through so far, in the direction that the mode is about.
    private var counters: QueueCounters {
        plan.mode == .tx ? link.sent : link.received
    }

    /// Runs for a time, or until cancelled, or until the link is over.
    func run(for limit: Duration?) async throws -> BenchReport {
        let start = ContinuousClock.now
        try startThreads()
        await printRates(since: start, until: limit.map { start + $0 })
        stopping.store(true, ordering: .relaxed)
        let elapsed = ContinuousClock.now - start
        await threadsEnded()
        return report(elapsed.seconds)
    }

    func note(_ time: Duration) { state.withLock { $0.roundTrips.add(time) } }
    func noteLoss() { state.withLock { $0.roundTrips.lost += 1 } }

    private func startThreads() throws {
        let count = max(link.receiveQueueCount, link.transmitQueueCount)
        let threads = plan.mode == .ping ? 1 : count
        for index in 0..<threads {
            state.withLock { $0.running += 1 }
            try Thread.start(name: "bench-\(index)", cpu: plan.cpu.map { $0 + index }) { [self] in
                do throws(LinkEnd) {
                    try work(index)
                } catch {
                    state.withLock { $0.failure = error }
                }
                let done = state.withLock { state in
                    state.running -= 1
                    return state.running == 0 ? state.whenDone.take() : nil
                }
                done?.resume()
            }
        }
    }

    private func threadsEnded() async {
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                if state.running > 0 { state.whenDone = continuation }
                return state.running == 0
            }
            if isDone { continuation.resume() }
        }
    }

    /// Ends when the time is up, the task is cancelled, nobody reads, or the link is over.
    private func printRates(
        since start: ContinuousClock.Instant, until end: ContinuousClock.Instant?
    )
        async
    {
        var last = counters
        var lastTrips = RoundTrips()
        var lastTime = start
        while link.isUp {
            let next = lastTime + .seconds(1)
            guard let woken = await sleep(until: end.map { min($0, next) } ?? next) else { return }
            let time = ContinuousClock.now
            let now = counters
            let trips = state.withLock { $0.roundTrips }
            let passed = RateRecord(
                packets: now.packets - last.packets, bytes: now.bytes - last.bytes,
                seconds: (time - lastTime).seconds)
            let second = BenchSecond(
                seconds: (time - start).seconds.rounded(to: 3), rate: passed, trips: trips,
                before: lastTrips)
            guard (try? write(second)) != nil else { return }
            if let end, woken >= end { return }
            (last, lastTrips, lastTime) = (now, trips, time)
        }
    }

    /// Sleeps in short steps, for the link may end meanwhile; nil when cancelled.
    private func sleep(until time: ContinuousClock.Instant) async -> ContinuousClock.Instant? {
        while true {
            let now = ContinuousClock.now
            if now >= time || !link.isUp { return now }
            let step = min(time, now + .milliseconds(50))
            guard (try? await ContinuousClock().sleep(until: step)) != nil else { return nil }
        }
    }

    private func write(_ second: BenchSecond) throws {
        switch (plan.format, plan.mode) {
        case (.json, .ping): try StandardOutput.json(second.answers)
        case (.json, _): try StandardOutput.json(second.passed)
        case (.table, .ping): try StandardOutput.line(second.answers.text)
        case (.table, _): try StandardOutput.line(second.passed.text)
        }
    }

    private func report(_ seconds: Double) -> BenchReport {
        let state = state.withLock { $0 }
        let total = counters
        let drops = link.received.drops + link.sent.drops
        return BenchReport(
            mode: plan.mode.rawValue, role: link.role.rawValue,
            packets: total.packets, bytes: total.bytes, seconds: seconds.rounded(to: 3),
            megapacketsPerSecond: (Double(total.packets) / seconds / 1e6).rounded(to: 4),
            drops: drops, roundTrips: plan.mode == .ping ? state.roundTrips : nil,
            end: (state.failure ?? link.end).map(\.description))
    }
}

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
        await printRates(for: limit)
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
    private func printRates(for limit: Duration?) async {
        var last = counters
        var lastTrips = RoundTrips()
        try? await everySecond(for: limit, while: { link.isUp }) { seconds, total in
            let now = counters
            let trips = state.withLock { $0.roundTrips }
            try write(
                BenchSecond(
                    seconds: total.rounded(to: 3),
                    rate: RateRecord(since: last, now, seconds: seconds), trips: trips,
                    before: lastTrips))
            (last, lastTrips) = (now, trips)
        }
    }

    private func write(_ second: BenchSecond) throws {
        switch plan.mode {
        case .ping: try plan.format.line(second.answers, second.answers.text)
        case .tx, .rx, .echo: try plan.format.line(second.passed, second.passed.text)
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

internal import LinuxIO
internal import Memif
internal import Synchronization

extension PacketWorker {
    /// Whether the thread comes round in time. The end of the task changes nothing: what it has to do before is
    /// done, or is not.
    ///
    /// - Parameter timers: a loop that tells when the time has come.
    func comesRound(within limit: Duration, timers: EventLoop) async -> Bool {
        await withCheckedContinuation { continuation in
            let answer = FirstAnswer(continuation)
            submit { answer.give(true) }
            timers.schedule(after: limit) { answer.give(false) }
        }
    }
}

/// Resumes a task with the first of several answers.
private final class FirstAnswer: Sendable {
    private let waiting: Mutex<CheckedContinuation<Bool, Never>?>

    init(_ continuation: CheckedContinuation<Bool, Never>) { waiting = Mutex(continuation) }

    func give(_ answer: Bool) { waiting.withLock { $0.take() }?.resume(returning: answer) }
}

internal import Foundation
internal import Libvirt
internal import Synchronization

/// Shows how far a transfer is, on standard error: in place on a terminal, else a line every five seconds.
final class ProgressMeter: Sendable {
    private let total: Int64
    private let isTerminal: Bool
    private let begun = ContinuousClock.now
    private let shown = Mutex<ContinuousClock.Instant?>(nil)
    private let last = Mutex<TransferProgress?>(nil)

    init(total: Int64) {
        self.total = total
        isTerminal = isatty(STDERR_FILENO) == 1
    }

    /// Shows it, unless it was shown a moment ago.
    func show(_ progress: TransferProgress) {
        last.withLock { $0 = progress }
        let now = ContinuousClock.now
        let pause = Duration.milliseconds(isTerminal ? 200 : 5000)
        let isDue = shown.withLock { shown in
            if let shown, shown.duration(to: now) < pause { return false }
            shown = now
            return true
        }
        if isDue { write(progress, end: isTerminal ? "\r" : "\n") }
    }

    /// Shows where it came to.
    func finish() {
        if let progress = last.withLock(\.self) { write(progress, end: "\n") }
    }

    private func write(_ progress: TransferProgress, end: String) {
        let seconds = max(begun.duration(to: .now) / .seconds(1), 0.001)
        let share = total > 0 ? min(100, 100 * progress.byteCount / total) : 100
        let rate = Double(progress.transferredByteCount) / seconds / 1_048_576
        let text =
            "\(share)%  \(progress.byteCount >> 20) MiB, \(progress.transferredByteCount >> 20) MiB of "
            + "them sent, \(rate.formatted(.number.precision(.fractionLength(1)))) MiB/s"
        try? FileHandle.standardError.write(contentsOf: Data((text + end).utf8))
    }
}

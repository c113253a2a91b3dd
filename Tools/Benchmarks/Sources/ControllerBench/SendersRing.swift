import Foundation
import Glibc
import LinuxIO
import Synchronization

/// The ring into which a testpmd sends, seen in its memory: whether somebody takes frames from it.
final class SendersRing: Sendable {
    private struct State {
        var lastChange = ContinuousClock.now
        var longestGap = Duration.zero
        var isOver = false
    }

    private let state = Mutex(State())

    /// Watches it on a thread of its own, some ten times in a millisecond.
    init(of process: Int32) throws {
        let directory = "/proc/\(process)/fd"
        let region = try Directory.entries(of: directory).first { name in
            let target = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "\(directory)/\(name)")
            return target?.contains("memif_region_0") == true
        }
        guard let region else { throw Wrong("testpmd has no memory for frames") }
        let file = open("\(directory)/\(region)", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw Wrong("testpmd's memory cannot be read: it needs root") }
        try LinuxIO.Thread.start(name: "ring") { [self] in
            watch(file)
            close(file)
        }
    }

    /// The tail is moved by whoever takes frames. Source: memif's memory: the ring from slave to master is the
    /// first in the first region, and has its tail at byte 64.
    private func watch(_ file: Int32) {
        var last: UInt16 = 0
        var tail: UInt16 = 0
        while !state.withLock(\.isOver), pread(file, &tail, 2, 64) == 2 {
            let now = ContinuousClock.now
            if tail != last {
                state.withLock { state in
                    state.longestGap = max(state.longestGap, state.lastChange.duration(to: now))
                    state.lastChange = now
                }
            }
            last = tail
            Pause.brief()
        }
    }

    /// When it was seen last that frames had been taken.
    var lastChange: ContinuousClock.Instant { state.withLock(\.lastChange) }

    /// The longest time since the last call in which none were.
    func takeLongestGap() -> Duration {
        state.withLock { state in
            defer { state.longestGap = .zero }
            return state.longestGap
        }
    }

    func stop() { state.withLock { $0.isOver = true } }
}

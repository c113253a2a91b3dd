import LinuxIO
import Memif

extension EventLoop {
    /// Does something while the loop's thread waits for it: what is sent meanwhile is looked at afterwards.
    func hold<Value>(_ body: () throws -> Value) async rethrows -> Value {
        let isOver = Flag()
        defer { isOver.raise() }
        await withCheckedContinuation { isHeld in
            submit {
                isHeld.resume()
                while !isOver.isRaised { Thread.pause() }
            }
        }
        return try body()
    }

    /// Waits for the loop to come round so many times.
    func turns(_ count: Int) async {
        for _ in 0..<count {
            await withCheckedContinuation { done in submit { done.resume() } }
        }
    }
}

extension PacketWorker {
    /// Waits for the worker to have done a burst of each link so many times.
    func turns(_ count: Int) async {
        for _ in 0..<count {
            await withCheckedContinuation { done in submit { done.resume() } }
        }
    }
}

import Glibc
import LinuxIO
import Memif

/// Both ends of a ring on one thread, in turn: what each call costs the processor, apart from what
/// it costs to carry cache lines from core to core. Counted in the thread's own time, so that it holds on
/// a machine with other things to do as well.
extension MemifRates {
    static func lone(_ words: [String]) async throws {
        guard words.count >= 3 else { throw Wrong("lone SIZE BURST SECONDS [copy|place]") }
        let traffic = try Traffic(words[0], words[1], words.dropFirst(3).first)
        for direction in RingDirection.allCases {
            let pair = try await Pair(traffic)
            let (sending, receiving) = pair.ends(direction)
            guard var sender = sending.takeTransmitQueue(0),
                var receiver = receiving.takeReceiveQueue(0)
            else { throw Wrong("the queues are taken") }
            let end = ContinuousClock.now + .seconds(try number(words[2]))
            var best = Lone()
            while ContinuousClock.now < end {
                let next =
                    try traffic.isInPlace
                    ? inPlace(traffic, &sender, &receiver) : copying(traffic, &sender, &receiver)
                best.keepBest(of: next)
            }
            print(
                #"{"direction": "\#(direction.rawValue)", "send_ns": \#(best.sending), "#
                    + #""receive_ns": \#(best.receiving)}"#)
            pair.end()
        }
    }

    private static let bursts = 500

    private static func copying(
        _ traffic: Traffic, _ sender: inout TransmitQueue, _ receiver: inout ReceiveQueue
    ) throws -> Lone {
        var outgoing = traffic.batch()
        var incoming = traffic.batch()
        for _ in 0..<traffic.burst {
            outgoing.append([UInt8](repeating: 1, count: traffic.size))
        }
        var result = Lone()
        var last = threadTime()
        for _ in 0..<bursts {
            for _ in 0..<max(1, 512 / traffic.burst) { _ = try sender.transmitBurst(outgoing) }
            result.sending += lap(&last)
            for _ in 0..<max(1, 512 / traffic.burst) {
                _ = try receiver.receiveBurst(into: &incoming)
            }
            result.receiving += lap(&last)
        }
        return result.perFrame(bursts * max(1, 512 / traffic.burst) * traffic.burst)
    }

    private static func inPlace(
        _ traffic: Traffic, _ sender: inout TransmitQueue, _ receiver: inout ReceiveQueue
    ) throws -> Lone {
        var room = sender.makeRoom(capacity: traffic.burst)
        var views = receiver.makeViews(frameCapacity: traffic.burst)
        var result = Lone()
        var last = threadTime()
        for _ in 0..<bursts {
            for _ in 0..<max(1, 512 / traffic.burst) {
                try traffic.fill(&room, on: &sender)
            }
            result.sending += lap(&last)
            for _ in 0..<max(1, 512 / traffic.burst) {
                _ = try receiver.receiveBurst(into: &views)
            }
            receiver.release(&views)
            result.receiving += lap(&last)
        }
        return result.perFrame(bursts * max(1, 512 / traffic.burst) * traffic.burst)
    }

    private static func lap(_ last: inout Double) -> Double {
        let now = threadTime()
        defer { last = now }
        return now - last
    }

    /// The calling thread's time on a processor, in nanoseconds.
    private static func threadTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}

/// Nanoseconds.
struct Lone {
    var sending = 0.0
    var receiving = 0.0

    func perFrame(_ frames: Int) -> Lone {
        Lone(sending: sending / Double(frames), receiving: receiving / Double(frames))
    }

    mutating func keepBest(of other: Lone) {
        sending = sending == 0 ? other.sending : min(sending, other.sending)
        receiving = receiving == 0 ? other.receiving : min(receiving, other.receiving)
    }
}

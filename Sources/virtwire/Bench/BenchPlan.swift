internal import ArgumentParser
internal import Memif

/// What a bench does with frames.
enum BenchMode: String, CaseIterable, ExpressibleByArgument {
    /// Sends as fast as the peer takes them.
    case tx
    /// Receives and counts.
    case rx
    /// Sends back what it receives.
    case echo
    /// Sends one frame, waits for its answer, and measures how long that took.
    case ping
}

/// What a ping asks.
enum Question: Sendable {
    /// A frame of no meaning, for a peer that sends back what it gets.
    case anyFrame
    /// An ICMP echo request, with ARP before the first.
    case ping(from: IPv4Address, to: IPv4Address)
}

/// How a bench runs.
struct BenchPlan: Sendable {
    let mode: BenchMode
    let frameSize: Int
    let burst: Int
    let cpu: Int?
    let question: Question
    let interval: Duration
    /// How the rates of each second are written.
    let format: OutputFormat
}

public import LinuxIO

/// What happens to an interface.
public enum LinkEvent: Sendable {
    /// A link came up.
    case up(MemifLink)
    /// The link is over.
    case down(LinkEnd)
    /// An attempt at a link failed: a peer was refused, or could not be reached. To a master, who that was, as
    /// the kernel recorded at connect; nil where it is not known.
    case failed(LinkEnd, peer: PeerCredentials?)
}

/// How a slave tries again to reach its master.
public struct ReconnectPolicy: Hashable, Sendable {
    /// The pause after the first failure; it doubles with each that follows.
    public var firstPause: Duration
    /// The longest pause.
    public var longestPause: Duration
    /// Which part of each pause is left to chance, from 0 to 1: so the slaves of a master that was
    /// started anew do not all come at the same moments.
    public var jitter: Double

    /// A policy with pauses from one length to another, each up to `jitter` of it shorter.
    public init(
        firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(5),
        jitter: Double = 0.25
    ) {
        self.firstPause = firstPause
        self.longestPause = longestPause
        self.jitter = jitter
    }

    /// The pause after a number of failures in a row.
    func pause(
        afterFailures count: Int, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let longest = max(longestPause, .zero)
        var pause = min(max(firstPause, .zero), longest)
        var doublings = max(count, 1) - 1
        while doublings > 0, pause > .zero, pause < longest {
            // Doubled to no more than the longest, which may be as long as there is.
            pause = pause > longest / 2 ? longest : pause * 2
            doublings -= 1
        }
        let share = jitter.isNaN ? 0 : min(max(jitter, 0), 1)
        return pause * (1 - share * Double.random(in: 0..<1, using: &generator))
    }
}

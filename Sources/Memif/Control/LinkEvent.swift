/// What happens to an interface.
public enum LinkEvent: Sendable {
    /// A link came up.
    case up(MemifLink)
    /// The link is over.
    case down(LinkEnd)
    /// An attempt at a link failed: a peer was refused, or could not be reached.
    case failed(LinkEnd)
}

/// How a slave tries again to reach its master.
public struct ReconnectPolicy: Hashable, Sendable {
    /// The pause after the first failure; it doubles with each that follows.
    public var firstPause: Duration
    /// The longest pause.
    public var longestPause: Duration

    /// A policy with pauses from one length to another.
    public init(
        firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(5)
    ) {
        self.firstPause = firstPause
        self.longestPause = longestPause
    }

    /// The pause after a number of failures in a row.
    func pause(afterFailures count: Int) -> Duration {
        var pause = firstPause
        for _ in 1..<max(count, 1) where pause < longestPause { pause *= 2 }
        return min(pause, longestPause)
    }
}

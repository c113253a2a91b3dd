/// The bounds within which a link works.
public struct LinkConfiguration: Sendable {
    /// Calls on their way at once; more wait in order. A libvirt daemon that has five of one
    /// client's in hand stops reading, keepalive pings included, so four is the most to send it.
    public var mostCallsInFlight: Int
    /// Calls of the peer's served at once; more are refused.
    public var mostCallsServed: Int
    /// Bytes of replies and events that may wait for a peer that does not read, before the link ends.
    public var mostQueuedBytes: Int
    /// The longest frame to accept; a longer one ends the link.
    public var longestFrame: Int
    /// Bytes that may wait to be read of one stream.
    public var mostStreamBytes: Int
    /// What happens when there are more.
    public var streamBackPressure: StreamBackPressure
    /// Pings of our own; nil for none. The peer's pings are answered always.
    public var keepalive: KeepalivePolicy?

    /// The bounds for a client of libvirt's, unless told otherwise.
    public init(
        mostCallsInFlight: Int = 4, mostCallsServed: Int = 64, mostQueuedBytes: Int = 64 << 20,
        longestFrame: Int = FrameLimits.longest, mostStreamBytes: Int = 4 << 20,
        streamBackPressure: StreamBackPressure = .endsStream, keepalive: KeepalivePolicy? = nil
    ) {
        self.mostCallsInFlight = mostCallsInFlight
        self.mostCallsServed = mostCallsServed
        self.mostQueuedBytes = mostQueuedBytes
        self.longestFrame = longestFrame
        self.mostStreamBytes = mostStreamBytes
        self.streamBackPressure = streamBackPressure
        self.keepalive = keepalive
    }

    /// The bounds for a server: what one client can make it hold is 16 MiB of calls.
    public static var server: LinkConfiguration {
        LinkConfiguration(
            mostCallsServed: 16, mostQueuedBytes: 16 << 20, longestFrame: 1 << 20,
            streamBackPressure: .stopsReading)
    }
}

/// What happens when the reader of a stream is slower than the peer. The protocol has no flow control of
/// its own: what is sent comes, behind it what else the link carries.
public enum StreamBackPressure: Hashable, Sendable {
    /// The stream is given up, with an error that says so; calls and other streams are not concerned.
    case endsStream
    /// The link is not read until the reader has caught up: for a link that carries streams only.
    case stopsReading
}

/// When to ping a peer that says nothing, and when to give it up.
///
/// Anything that the peer sends counts as a sign of life. While a stream takes data to the peer it may be
/// silent ten times as long: a libvirt daemon reads no pings behind data that it has no place for. Source: `virkeepalive.c`.
public struct KeepalivePolicy: Hashable, Sendable {
    /// How long the peer may be silent before each ping.
    public var interval: Duration
    /// How many pings go unanswered before the link ends, one interval after the last.
    public var count: Int

    /// Every five seconds, five times, as libvirt's daemon does, unless told otherwise.
    public init(interval: Duration = .seconds(5), count: Int = 5) {
        self.interval = interval
        self.count = count
    }
}

/// Who gets what the peer begins.
public struct LinkHandlers: Sendable {
    /// An event has come. Called on the carrier's thread, in order: it must not wait.
    public var event: @Sendable (IncomingEvent) -> Void
    /// The peer calls: gives the answer. Calls are served concurrently.
    public var answer: @Sendable (IncomingCall) async -> CallAnswer
    /// The link has ended. Called once, after every call of ours has ended.
    public var ended: @Sendable (LinkFailure) -> Void

    /// Handlers that ignore events and refuse calls, unless told otherwise.
    public init(
        event: @escaping @Sendable (IncomingEvent) -> Void = { _ in },
        answer: @escaping @Sendable (IncomingCall) async -> CallAnswer = {
            .failure(.unknownProgram($0.header))
        },
        ended: @escaping @Sendable (LinkFailure) -> Void = { _ in }
    ) {
        self.event = event
        self.answer = answer
        self.ended = ended
    }
}

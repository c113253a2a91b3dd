/// The bounds within which a link works.
public struct LinkConfiguration: Sendable {
    /// Calls on their way at once; more wait in order. A libvirt daemon that has five of one
    /// client's in hand stops reading, keepalive pings included, so four is the most to send it.
    public var mostCallsInFlight: Int
    /// Calls of the peer's served at once; more are refused.
    public var mostCallsServed: Int
    /// Bytes of replies and events that may wait for a peer that does not read, before the link ends.
    public var mostQueuedBytes: Int

    /// The bounds for a client of libvirt's, unless told otherwise.
    public init(
        mostCallsInFlight: Int = 4, mostCallsServed: Int = 64, mostQueuedBytes: Int = 64 << 20
    ) {
        self.mostCallsInFlight = mostCallsInFlight
        self.mostCallsServed = mostCallsServed
        self.mostQueuedBytes = mostQueuedBytes
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

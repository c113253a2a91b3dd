/// What a `PacketWorker` does with the frames of a link.
public protocol PacketHandler: Sendable {
    /// Handles a burst, on the worker's thread. Frames that are left in the batch go back out on the
    /// link that they came from; it must not wait for anything.
    func handle(_ frames: inout FrameBatch)
}

/// Takes every frame and answers none. The link's counters say how many there were.
public struct PacketSink: PacketHandler, Hashable {
    /// Makes a sink.
    public init() {}

    /// Takes all frames.
    public func handle(_ frames: inout FrameBatch) { frames.removeAll() }
}

/// Sends every frame back as it came.
public struct PacketEcho: PacketHandler, Hashable {
    /// Makes an echo.
    public init() {}

    /// Leaves all frames to be sent.
    public func handle(_ frames: inout FrameBatch) {}
}

/// Answers ARP, neighbour solicitations and pings, and takes everything else.
extension Responder: PacketHandler {
    /// Leaves the replies to be sent, in place of their requests.
    public func handle(_ frames: inout FrameBatch) {
        frames.compactMapFrames { frame in answer(&frame) }
    }
}

/// A stream of data on a link, opened by a call: this side's end of it.
///
/// One task may receive while another sends. A stream whose last reference goes without ``finish()`` is
/// given up, as by ``abort()``.
///
/// Source: libvirt's `docs/kbase/internals/rpc.rst`; `virStreamPtr`.
public final class LinkStream: Sendable {
    /// The most bytes in one packet: what libvirt's servers send and read at a time.
    public static let longestPacket = 262_120

    private let channel: StreamChannel

    init(_ channel: StreamChannel) { self.channel = channel }

    deinit { channel.abort() }

    /// The next piece that the peer has sent; nil when it sends no more.
    ///
    /// When the task is cancelled the wait ends, and the stream stands.
    ///
    /// - Throws: `RPCError`: `.refused` with the peer's error, `.streamEnded`, `.connectionLost` or
    ///   `.cancelled`. What came before an error is received before it.
    public func receive() async throws(RPCError) -> StreamItem? {
        try await channel.receive()
    }

    /// Sends bytes, in packets, and waits while too much waits to be written. Nothing more is sent once the
    /// task is cancelled, and the stream stands.
    ///
    /// - Throws: `RPCError` as of ``receive()``: after an error part of the bytes may have gone.
    public func send(_ bytes: ArraySlice<UInt8>) async throws(RPCError) {
        var rest = bytes
        while !rest.isEmpty {
            let packet = rest.prefix(Self.longestPacket)
            rest = rest.dropFirst(packet.count)
            try await channel.send(packet)
        }
    }

    /// Sends bytes.
    public func send(_ bytes: [UInt8]) async throws(RPCError) { try await send(bytes[...]) }

    /// Sends a hole: so many bytes that are zero.
    ///
    /// A libvirt server ends the connection unless the call that opened the stream asked for holes.
    public func sendHole(_ length: Int64) async throws(RPCError) {
        precondition(length >= 0, "a hole has no negative length")
        guard length > 0 else { return }
        try await channel.send(.hole(length))
    }

    /// Tells the peer that no more data comes, as a server does; the stream stands until both finish.
    public func sendEndOfData() async throws(RPCError) {
        try await channel.send(.endOfData)
    }

    /// Ends the stream, and waits until the peer has confirmed that all of it arrived.
    ///
    /// What the peer sends meanwhile is dropped. When the task is cancelled the wait ends, and the stream
    /// is given up with its last reference.
    ///
    /// - Throws: `RPCError`: above all the peer's error, if it could not do its part.
    ///
    /// Source: `virStreamFinish`.
    public func finish() async throws(RPCError) { try await channel.finish() }

    /// Gives the stream up, without waiting. Does nothing to one that has ended. Source: `virStreamAbort`.
    public func abort() { channel.abort() }

    /// Ends the stream with an error, as a server does.
    public func fail(_ refusal: CallRefusal) { channel.fail(refusal) }
}

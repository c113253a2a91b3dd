internal import LibvirtProtocol
internal import Synchronization
public import XDR

// MARK: - Opening

extension Link {
    /// Calls a procedure that opens a stream.
    ///
    /// When the call ends without a result, and the peer opens the stream all the same, it is given up.
    ///
    /// - Throws: `RPCError` as of `call`.
    public func openStream<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        deadline: ContinuousClock.Instant? = nil
    ) async throws(RPCError) -> (result: Result, stream: LinkStream) {
        let serial = takeSerial()
        // Known before the call is sent: data may come right behind the reply.
        let channel = makeChannel(
            .client,
            virNetMessageHeader(
                procedure, .VIR_NET_STREAM, serial: serial, status: .VIR_NET_CONTINUE),
            procedure.name)
        do throws(RPCError) {
            let called = CalledProcedure(procedure)
            let call = try OutgoingCall(called, arguments, descriptors: nil, serial: serial)
            let frame = try await reply(to: call, until: deadline)
            return (try called.result(Result.self, in: frame), LinkStream(channel))
        } catch {
            if error.mayHaveRun { channel.abandon() } else { forget(channel) }
            throw error
        }
    }

    /// The stream that a call of the peer's opens here.
    func serveStream(of call: virNetMessageHeader) -> LinkStream {
        LinkStream(makeChannel(.server, call, "the stream of procedure \(call.proc)"))
    }

    private func makeChannel(
        _ role: StreamState.Role, _ header: virNetMessageHeader, _ name: String
    ) -> StreamChannel {
        let channel = StreamChannel(
            self, role, header: header, name: name, mostBytes: configuration.mostStreamBytes,
            endsWhenFull: configuration.streamBackPressure == .endsStream)
        if let failure = insert(channel) { channel.ended(failure) }
        return channel
    }
}

// MARK: - What arrives

extension Link {
    /// Hands a packet to the stream it belongs to. What comes after a stream's end is dropped.
    func receivedPacket(_ frame: Frame) {
        let serial = frame.header.serial
        // A packet does not say who opened its stream; where both sides did so with the same serial,
        // the procedure tells, and ours come first.
        for isOurs in [true, false] {
            guard let channel = stream(StreamChannel.Key(isOurs: isOurs, serial: serial)),
                channel.fits(frame.header)
            else { continue }
            return channel.received(StreamPacket(frame))
        }
    }

    /// Stops to read while a stream is full, and reads again when none is.
    func updateReading(_ key: StreamChannel.Key, _ channel: StreamChannel) {
        // Asked under the lock: of two changes the later one is seen by the later of two calls.
        fullStreams.withLock { full in
            let wasReading = full.isEmpty
            if channel.isFull { full.insert(key) } else { full.remove(key) }
            if wasReading != full.isEmpty { carrier.setReading(full.isEmpty) }
        }
    }

    /// Whether nothing is read because a stream is full.
    var isPaused: Bool { fullStreams.withLock { !$0.isEmpty } }
}

// MARK: - Room to send

extension Link {
    /// How many bytes of streams may wait to be written, so that a call does not wait long behind them.
    private static var mostBytesAhead: Int { 1 << 20 }

    /// Whether a stream may send another packet.
    var hasRoom: Bool { carrier.queuedByteCount < Self.mostBytesAhead }

    /// Waits until little enough waits to be written that an event finds room: for a server that would
    /// rather send less than have a slow client's link end.
    ///
    /// - Returns: false when the link has ended, or the task was cancelled.
    public func waitForRoom() async -> Bool {
        while failure == nil, !Task.isCancelled {
            if hasRoom { return true }
            await roomChanges.wait { hasRoom || failure != nil }
        }
        return false
    }

    /// Some of what waited has been written; called by the carrier.
    public func drained() { roomChanges.wakeAll() }
}

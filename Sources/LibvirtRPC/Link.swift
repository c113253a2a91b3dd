internal import LibvirtProtocol
public import LinuxIO
internal import Synchronization
public import XDR

/// A connection on which either side calls the other's procedures and sends it events, in the
/// framing of libvirt's RPC: the client of a libvirt daemon, and the server of a client, alike.
///
/// A call takes the next serial and waits under it; what comes back is routed by its type first and
/// then by its serial, on the carrier's thread, which never waits for anybody. Calls may be made
/// from any number of tasks.
///
/// A link lives until it is closed or the peer ends it: its carrier holds it, so that letting go of
/// it alone leaves it open.
///
/// Source: libvirt's `docs/kbase/internals/rpc.rst` and `virnetprotocol.x`; the design is go-libvirt's.
public final class Link: Sendable {
    /// What a call in flight comes to: the reply's frame, or why there is none.
    typealias Outcome = Result<Frame, CallEnd>

    /// Why a call ended without a reply.
    indirect enum CallEnd: Error {
        case cancelled(CallDelivery)
        case deadlineExceeded(CallDelivery)
        case connectionLost(LinkFailure, CallDelivery)
    }

    struct State: ~Copyable {
        var calls: LinkState<OneShot<Outcome>>
        var streams: [StreamChannel.Key: StreamChannel] = [:]
        /// Calls of the peer's that are being served.
        var served = 0
        /// Whether the carrier's descriptors are closed.
        var isReleased = false
        var waitingForRelease: [OneShot<Void>] = []
    }

    let carrier: any Carrier
    let handlers: LinkHandlers
    let configuration: LinkConfiguration
    let timers: EventLoop
    let state: Mutex<State>
    /// Whether a security layer keeps what is said from those on the way.
    private let isLayered = Atomic(false)
    /// How many keepalive intervals have passed since the peer said anything.
    let silentIntervals = Atomic<Int>(0)
    /// The streams of which too much waits to be read.
    let fullStreams = Mutex<Set<StreamChannel.Key>>([])
    /// Wakes streams that wait for room to send.
    let roomChanges = WakeUps()

    /// Makes a link and starts its carrier.
    ///
    /// - Parameters:
    ///   - carrier: brings and takes frames.
    ///   - timers: runs deadlines.
    ///   - handlers: gets what the peer begins: calls, events, the end.
    public static func start(
        _ carrier: any Carrier, timers: EventLoop,
        configuration: LinkConfiguration = LinkConfiguration(),
        handlers: LinkHandlers = LinkHandlers()
    ) -> Link {
        let link = Link(carrier, timers, configuration, handlers)
        carrier.start(link)
        if let keepalive = configuration.keepalive { link.schedulePing(keepalive) }
        return link
    }

    private init(
        _ carrier: any Carrier, _ timers: EventLoop, _ configuration: LinkConfiguration,
        _ handlers: LinkHandlers
    ) {
        self.carrier = carrier
        self.timers = timers
        self.configuration = configuration
        self.handlers = handlers
        state = Mutex(State(calls: LinkState(mostInFlight: configuration.mostCallsInFlight)))
    }

    /// Why the link has ended; nil while it lives.
    public var failure: LinkFailure? { state.withLock { $0.calls.failure } }

    /// Ends the link; every call under way ends with an error that says so.
    public func close() { carrier.close(.closed) }

    /// Waits until the link has ended and its descriptors are closed.
    public func waitUntilReleased() async {
        await withOneShot(of: Void.self) { continuation in
            let isReleased = state.withLock { state in
                if !state.isReleased { state.waitingForRelease.append(continuation) }
                return state.isReleased
            }
            if isReleased { continuation.resume() }
        }
    }

    /// Whether a security layer, rather than the transport, keeps what is said from those on the way.
    package var isEncrypted: Bool { isLayered.load(ordering: .relaxed) }

    /// Protects everything from here on, both ways; see `SecurityLayer`.
    ///
    /// - Parameter encrypts: whether the layer hides what is said, and does not merely seal it.
    package func secure(
        with layer: any SecurityLayer, encrypts: Bool
    ) async throws(SecurityLayerError) {
        try await carrier.secure(with: layer)
        isLayered.store(encrypts, ordering: .relaxed)
    }

    /// Whether a call would be sent at once: fewer are on their way than may be.
    package var hasFreePlace: Bool { state.withLock { $0.calls.hasFreePlace } }

    /// How many calls wait until one is sent.
    package var waitingCallCount: Int { state.withLock { $0.calls.waitingCount } }

    /// Whether a call would wait behind calls alone that were given up, for as long as the peer hangs.
    package var isStuck: Bool {
        guard let start = state.withLock({ $0.calls.stuckSince }) else { return false }
        return start + Self.answeringTime <= .now
    }

    /// How long a peer that is well may take to answer calls that were given up.
    private static let answeringTime = Duration.seconds(1)

    // MARK: - Calling

    /// A serial that nothing alive has.
    @usableFromInline
    func takeSerial() -> UInt32 { state.withLock { $0.calls.takeSerial() } }

    /// Sends a call and waits for its reply, or for the first reason to wait no longer.
    func exchange(_ call: OutgoingCall, until deadline: ContinuousClock.Instant?) async -> Outcome {
        // What nobody waits for any more is not begun.
        if Task.isCancelled { return .failure(.cancelled(.notSent)) }
        if let deadline, deadline <= .now { return .failure(.deadlineExceeded(.notSent)) }
        let serial = call.serial
        let timer = deadline.map { deadline in
            timers.schedule(after: ContinuousClock.now.duration(to: deadline)) { [weak self] in
                self?.giveUp(serial) { .deadlineExceeded($0) }
            }
        }
        defer { if let timer { timers.cancel(timer) } }
        return await withTaskCancellationHandler {
            await withOneShot(of: Outcome.self) { continuation in
                begin(call, continuation)
                // A cancellation or deadline that came before the call stood found nothing to end.
                if Task.isCancelled { giveUp(serial) { .cancelled($0) } }
                if let deadline, deadline <= .now { giveUp(serial) { .deadlineExceeded($0) } }
            }
        } onCancel: {
            giveUp(serial) { .cancelled($0) }
        }
    }

    private func begin(_ call: OutgoingCall, _ continuation: OneShot<Outcome>) {
        let begun = state.withLock {
            $0.calls.begin(
                call.serial, call.procedure.route, call.frame, name: call.procedure.name,
                continuation)
        }
        switch begun {
        case .wait: break
        case .send(let frame): write(frame)
        case .refuse(let continuation, let failure):
            continuation.resume(returning: .failure(.connectionLost(failure, .notSent)))
        }
    }

    private func giveUp(_ serial: UInt32, _ end: (CallDelivery) -> CallEnd) {
        guard let ended = state.withLock({ $0.calls.giveUp(serial) }) else { return }
        ended.context.resume(returning: .failure(end(ended.delivery)))
    }

    /// Hands a call's frame to the carrier. One that has ended meanwhile is about to say why, and
    /// the call ends with the others then.
    private func write(_ frame: OutgoingFrame) {
        if carrier.send(frame) { return }
        guard let serial = frame.callSerial else { return }
        state.withLock { $0.calls.notSent(serial) }
    }

    // MARK: - Streams

    /// Lets packets find a stream; says why not when the link has ended.
    func insert(_ channel: StreamChannel) -> LinkFailure? {
        state.withLock { state in
            if let failure = state.calls.failure { return failure }
            state.streams[channel.key] = channel
            if channel.key.isOurs { state.calls.reserve(channel.key.serial) }
            return nil
        }
    }

    /// Lets go of a stream that has ended: its serial may be used again.
    func forget(_ channel: StreamChannel) {
        // The silence behind its data was borne; from now on the peer has its usual time again.
        if channel.hasSent { silentIntervals.store(0, ordering: .relaxed) }
        state.withLock { state in
            // Its serial may be another stream's by now.
            guard state.streams[channel.key] === channel else { return }
            state.streams[channel.key] = nil
            if channel.key.isOurs { state.calls.release(channel.key.serial) }
        }
    }

    /// How many streams live.
    var streamCount: Int { state.withLock { $0.streams.count } }

    func stream(_ key: StreamChannel.Key) -> StreamChannel? {
        state.withLock { $0.streams[key] }
    }

    // MARK: - Events

    /// Sends the peer an event, as a server does.
    ///
    /// A peer that does not read is not waited for: once more than the configured bytes wait for
    /// it, the link ends.
    ///
    /// - Throws: `XDRError` when the message exceeds a limit of its declaration; nothing was sent.
    public func send<Message>(
        event: XDRProcedure<Message, XDRVoid>, _ message: Message
    ) throws(XDRError) {
        // libvirt's own servers number every event 1; nothing may depend on it.
        answer(
            try OutgoingFrame.encoding(
                virNetMessageHeader(event, .VIR_NET_MESSAGE, serial: 1, status: .VIR_NET_OK),
                message))
    }

    /// Writes bytes that need be no frame, for a server that misbehaves on purpose.
    package func send(raw bytes: [UInt8]) {
        _ = carrier.send(OutgoingFrame(bytes))
    }

    /// Writes what answers or informs the peer, unless too much waits for it already.
    func answer(_ frame: OutgoingFrame) {
        if carrier.queuedByteCount > configuration.mostQueuedBytes {
            carrier.close(.backlog(byteCount: carrier.queuedByteCount))
        } else {
            _ = carrier.send(frame)
        }
    }
}

// MARK: - What arrives

extension Link: CarrierReceiver {
    /// Routes a frame; called by the carrier.
    public func received(_ frame: Frame) {
        silentIntervals.store(0, ordering: .relaxed)
        switch frame.header.type {
        case .VIR_NET_REPLY, .VIR_NET_REPLY_WITH_FDS: receivedReply(frame)
        case .VIR_NET_MESSAGE: receivedMessage(frame)
        case .VIR_NET_CALL, .VIR_NET_CALL_WITH_FDS: receivedCall(frame)
        case .VIR_NET_STREAM, .VIR_NET_STREAM_HOLE: receivedPacket(frame)
        default: break
        }
    }

    private func receivedReply(_ frame: Frame) {
        let header = frame.header
        guard header.status != .VIR_NET_CONTINUE else {
            carrier.close(
                .malformed(
                    FrameError(.header("a reply cannot be continued"), at: frame.streamOffset)))
            return
        }
        let route = CallRoute(
            program: header.prog, version: header.vers, procedure: header.proc)
        let (reply, stream) = state.withLock { state in
            (
                state.calls.replied(header.serial, route),
                // Most links never have one.
                state.streams.isEmpty
                    ? nil : state.streams[StreamChannel.Key(isOurs: true, serial: header.serial)]
            )
        }
        switch reply {
        case .deliver, .discard: stream?.answered(isOpen: header.status == .VIR_NET_OK)
        case .ignore, .mismatch: break
        }
        switch reply {
        case .deliver(let continuation, let next):
            continuation.resume(returning: .success(frame))
            if let next { write(next) }
        case .discard(let next):
            if let next { write(next) }
        // A reply to nobody is late, or says what went wrong with a stream's hole.
        case .ignore: if header.status == .VIR_NET_ERROR { receivedPacket(frame) }
        case .mismatch:
            // The call that has the serial would wait for ever.
            let problem = "its serial is a call's, and its procedure is not that call's"
            carrier.close(.malformed(FrameError(.header(problem), at: frame.streamOffset)))
        }
    }

    private func receivedMessage(_ frame: Frame) {
        guard frame.header.prog == Keepalive.program else {
            handlers.event(IncomingEvent(frame))
            return
        }
        // Answered before, behind and beside everything else: a daemon closes when it is not.
        if frame.header.proc == Keepalive.PING.number { sendKeepalive(Keepalive.PONG) }
    }

    private func receivedCall(_ frame: Frame) {
        let call = IncomingCall(frame)
        let hasRoom = state.withLock { state in
            guard state.served < configuration.mostCallsServed else { return false }
            state.served += 1
            return true
        }
        guard hasRoom else {
            reply(to: call, .failure(.tooManyCalls(configuration.mostCallsServed)))
            return
        }
        Task { [self] in
            await serve(call)
        }
    }

    private func serve(_ call: IncomingCall) async {
        let answer = await handlers.answer(call)
        guard case .stream(let payload, let body) = answer else {
            state.withLock { $0.served -= 1 }
            return reply(to: call, answer)
        }
        // The client may send as soon as it has the reply.
        let stream = serveStream(of: call.header)
        reply(to: call, .success(payload, descriptors: nil))
        await body(stream)
        state.withLock { $0.served -= 1 }
    }

    private func reply(to call: IncomingCall, _ answer: CallAnswer) {
        self.answer(answer.frame(to: call.header))
    }

    /// The carrier has ended; called by the carrier.
    public func ended(_ reason: LinkFailure.Reason, unsentCalls: [UInt32]) {
        let (failure, ended, streams) = state.withLock { state in
            let failure = LinkFailure(reason, lastCall: state.calls.lastCall)
            defer { state.streams = [:] }
            return (failure, state.calls.close(failure, unsent: unsentCalls), state.streams)
        }
        for stream in streams.values { stream.ended(failure) }
        roomChanges.wakeAll()
        for call in ended {
            call.context.resume(returning: .failure(.connectionLost(failure, call.delivery)))
        }
        handlers.ended(failure)
    }

    /// The carrier's descriptors are closed; called by the carrier.
    public func released() {
        let waiting = state.withLock { state in
            state.isReleased = true
            defer { state.waitingForRelease = [] }
            return state.waitingForRelease
        }
        for continuation in waiting { continuation.resume() }
    }
}

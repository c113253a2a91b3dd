internal import LinuxIO
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Synchronization

/// Carries frames over TCP, on SwiftNIO. Descriptors cannot be passed over a network.
public final class NetworkCarrier: Carrier {
    /// A frame that is on its way out.
    private struct Pending {
        let callSerial: UInt32?
        let byteCount: Int
    }

    private struct State: ~Copyable {
        var channel: (any Channel)?
        var receiver: (any CarrierReceiver)?
        /// Frames that have not been written whole, in order.
        var pending = FirstInFirstOut<Pending>()
        /// How many of them, the first ones, the channel was given: it may write them, whatever happens.
        var handedOverCount = 0
        var queuedByteCount = 0
        var hasEnded = false
        /// Why it ended, where nobody listened yet.
        var earlyEnd: LinkFailure.Reason?
        /// What must both have happened before the receiver hears that all is released.
        var wasEndTold = false
        var isChannelClosed = false

        var isReleased: Bool { wasEndTold && isChannelClosed }
    }

    private let state = Mutex(State())

    /// One thread serves every network connection of the process: all it does is to move bytes.
    static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    init() {}

    /// The channel while it stands.
    var openChannel: (any Channel)? { state.withLock { $0.hasEnded ? nil : $0.channel } }

    func adopt(_ channel: any Channel) { state.withLock { $0.channel = channel } }

    /// Begins to read.
    public func start(_ receiver: any CarrierReceiver) {
        let (channel, earlyEnd) = state.withLock { state in
            if !state.hasEnded { state.receiver = receiver }
            return (state.channel, state.earlyEnd)
        }
        guard let channel else { return }
        // Between its connecting and now the peer may have gone again.
        if let earlyEnd {
            receiver.ended(earlyEnd, unsentCalls: [])
            channel.close(promise: nil)
        }
        channel.closeFuture.whenComplete { [self] _ in
            // A channel that closes says so to its handlers first; this is for one that had none.
            close(.endOfStream)
            let isReleased = state.withLock { state in
                state.isChannelClosed = true
                return state.isReleased
            }
            if isReleased { receiver.released() }
        }
        channel.setOption(.autoRead, value: true).whenFailure { [self] in
            close(Self.reason(for: $0))
        }
    }

    /// Hands a frame to the channel's thread, which writes it as there is room.
    public func send(_ frame: OutgoingFrame) -> Bool {
        // The lock keeps the order of the frames and that of what is known about them the same.
        state.withLock { state in
            guard !state.hasEnded, let channel = state.channel else { return false }
            let pending = Pending(callSerial: frame.callSerial, byteCount: frame.byteCount)
            state.pending.append(pending)
            state.queuedByteCount += pending.byteCount
            // From another thread this only submits; from the channel's own, it must not write here.
            channel.eventLoop.execute { [self] in write(frame, to: channel) }
            return true
        }
    }

    /// Bytes that wait for room, or for the channel's thread.
    public var queuedByteCount: Int { state.withLock { $0.queuedByteCount } }

    /// Stops to read, or reads again.
    public func setReading(_ isReading: Bool) {
        guard let channel = state.withLock({ $0.hasEnded ? nil : $0.channel }) else { return }
        // Submitted also from the channel's own thread: of two wishes the later one must count.
        channel.eventLoop.execute {
            channel.setOption(.autoRead, value: isReading).whenFailure { [self] in
                close(Self.reason(for: $0))
            }
        }
    }

    /// Ends both directions.
    public func close(_ reason: LinkFailure.Reason) {
        let ended: Ended? = state.withLock { state in
            guard !state.hasEnded else { return nil }
            state.hasEnded = true
            if state.receiver == nil { state.earlyEnd = reason }
            let unsent = state.pending.elements.dropFirst(state.handedOverCount)
                .compactMap(\.callSerial)
            state.pending = FirstInFirstOut()
            state.queuedByteCount = 0
            return Ended(
                receiver: state.receiver.take(), channel: state.channel, unsentCalls: unsent)
        }
        guard let ended else { return }
        ended.receiver?.ended(reason, unsentCalls: ended.unsentCalls)
        let isReleased = state.withLock { state in
            state.wasEndTold = true
            return state.isReleased
        }
        if isReleased { ended.receiver?.released() }
        ended.channel?.close(promise: nil)
    }

    private struct Ended {
        let receiver: (any CarrierReceiver)?
        let channel: (any Channel)?
        let unsentCalls: [UInt32]
    }
}

// MARK: - On the channel's thread

extension NetworkCarrier {
    /// Writes a frame, unless the carrier has ended and its call was told that it was not sent.
    private func write(_ frame: OutgoingFrame, to channel: any Channel) {
        let isWanted = state.withLock { state in
            if !state.hasEnded { state.handedOverCount += 1 }
            return !state.hasEnded
        }
        guard isWanted else { return }
        let written = channel.eventLoop.makePromise(of: Void.self)
        written.futureResult.whenComplete { [self] in finished($0) }
        if frame.data.isEmpty {
            channel.writeAndFlush(ByteBuffer(bytes: frame.head), promise: written)
        } else {
            channel.write(ByteBuffer(bytes: frame.head), promise: nil)
            channel.writeAndFlush(ByteBuffer(bytes: frame.data), promise: written)
        }
    }

    private func finished(_ result: Result<Void, any Error>) {
        switch result {
        case .success:
            let receiver = state.withLock { state -> (any CarrierReceiver)? in
                guard let pending = state.pending.popFirst() else { return nil }
                state.handedOverCount -= 1
                state.queuedByteCount -= pending.byteCount
                return state.queuedByteCount < CarrierLimits.lowMark ? state.receiver : nil
            }
            receiver?.drained()
        case .failure(let error):
            // What the channel could not write whole it writes no more, nor what stands behind it.
            state.withLock { $0.handedOverCount = 0 }
            close(Self.reason(for: error))
        }
    }

    /// Hands on a frame; false when the carrier has ended.
    func deliver(_ frame: Frame) -> Bool {
        guard let receiver = state.withLock({ $0.hasEnded ? nil : $0.receiver }) else {
            return false
        }
        receiver.received(frame)
        return true
    }

    /// What an error of the channel's means for the link.
    static func reason(for error: any Error) -> LinkFailure.Reason {
        switch error {
        case let error as FrameError: .malformed(error)
        case let error as SecurityLayerError: .protection(error)
        case let error as IOError:
            .system(SystemError(code: error.errnoCode, operation: "talk to the server"))
        // A peer that takes no leave of TLS, or goes while something is written.
        case NIOSSLError.uncleanShutdown, is ChannelError: .endOfStream
        default: .protection(SecurityLayerError(String(describing: error)))
        }
    }
}

/// Cuts what a channel reads into frames, for its carrier.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private struct Decoder: ~Copyable { var frames: FrameDecoder }

    private let carrier: NetworkCarrier
    private var decoder: Decoder
    private var isOver = false

    init(_ carrier: NetworkCarrier, longestFrame: Int) {
        self.carrier = carrier
        decoder = Decoder(frames: FrameDecoder(longest: longestFrame))
    }

    /// Whether nothing of a next frame has come.
    var isBetweenFrames: Bool { !isOver && decoder.frames.endOfStream() == nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let buffer = unwrapInboundIn(data)
        do throws(FrameError) {
            try decoder.frames.append(buffer.readableBytesSpan) {
                (frames: inout FrameDecoder) throws(FrameError) in
                while !isOver, let frame = try frames.next() {
                    isOver = !carrier.deliver(frame)
                }
            }
        } catch {
            isOver = true
            carrier.close(.malformed(error))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let error = isOver ? nil : decoder.frames.endOfStream()
        isOver = true
        carrier.close(error.map { .malformed($0) } ?? .endOfStream)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        isOver = true
        carrier.close(NetworkCarrier.reason(for: error))
    }
}

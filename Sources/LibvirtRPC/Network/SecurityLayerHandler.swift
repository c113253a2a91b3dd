internal import NIOCore

/// Puts a security layer between a channel's bytes and its frames.
final class SecurityLayerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let layer: any SecurityLayer
    private var isOver = false

    init(_ layer: any SecurityLayer) { self.layer = layer }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        do throws(SecurityLayerError) {
            let plain = try layer.unwrap(Array(unwrapInboundIn(data).readableBytesView))
            if !plain.isEmpty {
                context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: plain)))
            }
        } catch {
            isOver = true
            context.fireErrorCaught(error)
        }
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        do throws(SecurityLayerError) {
            let bytes = try layer.wrap(Array(unwrapOutboundIn(data).readableBytesView))
            context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: promise)
        } catch {
            promise?.fail(error)
        }
    }
}

extension NetworkCarrier {
    /// Protects everything from here on, both ways.
    ///
    /// Call it between the reply that ends the exchange and the next call: the peer is silent then. A
    /// peer that was not, or somebody who speaks for it, is refused.
    ///
    /// - Throws: `SecurityLayerError` when something is there already that is not protected.
    public func secure(with layer: any SecurityLayer) async throws(SecurityLayerError) {
        guard let channel = openChannel else {
            throw SecurityLayerError("the connection has ended")
        }
        do {
            try await channel.eventLoop.submit {
                let pipeline = channel.pipeline.syncOperations
                let frames = try pipeline.handler(type: FrameHandler.self)
                guard frames.isBetweenFrames else {
                    throw SecurityLayerError("bytes came that nobody has protected")
                }
                try pipeline.addHandler(SecurityLayerHandler(layer), position: .before(frames))
            }.get()
        } catch let error as SecurityLayerError {
            throw error
        } catch {
            throw SecurityLayerError("\(error)")
        }
    }
}

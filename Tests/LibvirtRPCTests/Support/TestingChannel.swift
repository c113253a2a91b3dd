import NIOCore
import NIOEmbedded

@testable import LibvirtRPC

extension NetworkCarrier {
    /// A carrier over a channel that is connected to nobody, and the channel.
    static func overTestingChannel() async throws -> (NetworkCarrier, NIOAsyncTestingChannel) {
        let carrier = NetworkCarrier()
        let channel = NIOAsyncTestingChannel()
        try await channel.testingEventLoop.executeInContext {
            try channel.pipeline.syncOperations.addHandler(
                FrameHandler(carrier, longestFrame: FrameLimits.longest))
        }
        try await channel.connect(to: SocketAddress(unixDomainSocketPath: "/none")).get()
        carrier.adopt(channel)
        return (carrier, channel)
    }
}

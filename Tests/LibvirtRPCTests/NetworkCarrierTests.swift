import Dispatch
import LinuxIO
import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import XDR

@testable import LibvirtRPC

private let procedure = XDRProcedure<XDRVoid, UInt32>(
    program: 99, version: 1, number: 3, name: "NUMBER")

/// Keeps what is to be written.
private final class Holding: ChannelOutboundHandler, Sendable {
    typealias OutboundIn = ByteBuffer

    private let held = Mutex<EventLoopPromise<Void>?>(nil)

    var holds: Bool { held.withLock { $0 != nil } }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) { held.withLock { $0 = promise } }

    func fail() { held.withLock { $0.take() }?.fail(ChannelError.ioOnClosedChannel) }
}

@Suite("Links over a network", .timeLimit(.minutes(4))) struct NetworkCarrierTests {
    @Test("a connection that has ended before its link begins ends the link, and no call hangs")
    func earlyEnd() async throws {
        let loop = try LinuxIO.EventLoop.start(name: "early-end")
        defer { loop.stop() }
        let (carrier, channel) = try await NetworkCarrier.overTestingChannel()
        try await channel.close().get()
        let link = Link.start(carrier, timers: loop)
        await link.waitUntilReleased()
        #expect(link.failure?.reason == .endOfStream)
        do throws(RPCError) {
            _ = try await link.call(procedure, XDRVoid())
            Issue.record("it gave a result")
        } catch {
            #expect(!error.mayHaveRun)
        }
    }

    /// Whether a call that has ended may have run; nil for one that gave a result.
    private func mayHaveRun(_ call: Task<UInt32, any Error>) async -> Bool? {
        guard case .failure(let error as RPCError) = await call.result else { return nil }
        return error.mayHaveRun
    }

    @Test("a call of which it is told that it was not sent is not sent behind that")
    func closedBeforeWriting() async throws {
        let loop = try LinuxIO.EventLoop.start(name: "close-first")
        defer { loop.stop() }
        let (carrier, channel) = try await NetworkCarrier.overTestingChannel()
        let link = Link.start(carrier, timers: loop)
        let goOn = DispatchSemaphore(value: 0)
        channel.eventLoop.execute { goOn.wait() }
        let call = Task { try await link.call(procedure, XDRVoid()) }
        while carrier.queuedByteCount == 0 { await Task.yield() }
        link.close()
        #expect(await mayHaveRun(call) == false)
        goOn.signal()
        await link.waitUntilReleased()
        let written = try await channel.readOutbound(as: ByteBuffer.self)
        #expect(written == nil)
    }

    @Test(
        "a frame that the channel has may be written yet, until the channel says that it was not",
        arguments: [true, false])
    func closedWhileWriting(hasFailed: Bool) async throws {
        let loop = try LinuxIO.EventLoop.start(name: "close-then")
        defer { loop.stop() }
        let (carrier, channel) = try await NetworkCarrier.overTestingChannel()
        let holding = Holding()
        try await channel.testingEventLoop.executeInContext {
            try channel.pipeline.syncOperations.addHandler(holding)
        }
        let link = Link.start(carrier, timers: loop)
        let call = Task { try await link.call(procedure, XDRVoid()) }
        while !holding.holds { await Task.yield() }
        if hasFailed { holding.fail() } else { link.close() }
        #expect(await mayHaveRun(call) == !hasFailed)
        holding.fail()
        await link.waitUntilReleased()
    }
}

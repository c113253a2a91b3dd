import LinuxIO
import NIOCore
import NIOEmbedded
import Testing
import XDR

@testable import LibvirtRPC

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
        let procedure = XDRProcedure<XDRVoid, UInt32>(
            program: 99, version: 1, number: 3, name: "NUMBER")
        do throws(RPCError) {
            _ = try await link.call(procedure, XDRVoid())
            Issue.record("it gave a result")
        } catch {
            #expect(!error.mayHaveRun)
        }
    }
}

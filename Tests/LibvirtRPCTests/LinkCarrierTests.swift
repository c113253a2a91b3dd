import LibvirtProtocol
import LinuxIO
import Synchronization
import Testing
import XDR

@testable import LibvirtRPC

/// A carrier that takes frames or refuses them, and says nothing by itself.
private final class StubCarrier: Carrier {
    struct State {
        var receiver: (any CarrierReceiver)?
        var sent = 0
        var refused = 0
        var takesFrames = true
    }

    let state = Mutex(State())

    func start(_ receiver: any CarrierReceiver) { state.withLock { $0.receiver = receiver } }

    func send(_ frame: OutgoingFrame) -> Bool {
        state.withLock { state in
            if state.takesFrames { state.sent += 1 } else { state.refused += 1 }
            return state.takesFrames
        }
    }

    var queuedByteCount: Int { 0 }

    func setReading(_ isReading: Bool) {}

    func close(_ reason: LinkFailure.Reason) {
        let receiver = state.withLock { $0.receiver.take() }
        receiver?.ended(reason, unsentCalls: [])
        receiver?.released()
    }
}

private let procedure = XDRProcedure<XDRVoid, UInt32>(
    program: 99, version: 1, number: 3, name: "NUMBER")

@Suite("A link and its carrier", .timeLimit(.minutes(4))) struct LinkCarrierTests {
    private func withLink(_ body: (Link, StubCarrier) async throws -> Void) async throws {
        let loop = try EventLoop.start(name: "stub-carrier")
        defer { loop.stop() }
        let carrier = StubCarrier()
        let link = Link.start(carrier, timers: loop)
        try await body(link, carrier)
        link.close()
    }

    @Test("a call in a task that is cancelled already is not sent") func cancelled() async throws {
        try await withLink { link, carrier in
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await link.call(procedure, XDRVoid())
            }
            task.cancel()
            guard case .failure(let error as RPCError) = await task.result,
                case .cancelled(.notSent) = error.kind
            else {
                Issue.record("not cancelled before it was sent")
                return
            }
            #expect(carrier.state.withLock(\.sent) == 0)
        }
    }

    @Test("a call whose deadline is past is not sent") func late() async throws {
        try await withLink { link, carrier in
            do throws(RPCError) {
                _ = try await link.call(procedure, XDRVoid(), deadline: .now - .seconds(1))
                Issue.record("it gave a result")
            } catch {
                guard case .deadlineExceeded(.notSent) = error.kind else {
                    Issue.record("\(error)")
                    return
                }
            }
            #expect(carrier.state.withLock(\.sent) == 0)
        }
    }

    @Test("a call that meets a carrier about to end gets the carrier's reason")
    func meetsTheEnd() async throws {
        try await withLink { link, carrier in
            carrier.state.withLock { $0.takesFrames = false }
            let task = Task { try await link.call(procedure, XDRVoid()) }
            while carrier.state.withLock(\.refused) == 0 { await Task.yield() }
            carrier.close(.endOfStream)
            guard case .failure(let error as RPCError) = await task.result,
                case .connectionLost(let failure, .notSent) = error.kind
            else {
                Issue.record("it did not end as not sent")
                return
            }
            #expect(failure.reason == .endOfStream)
        }
    }

    @Test("a client that comes in while the server is stopped does not stay")
    func stopWhileAdmitting() async throws {
        let loop = try EventLoop.start(name: "stopping")
        defer { loop.stop() }
        let name = "@virtwire-stop-\(UInt64.random(in: 0...UInt64.max))"
        let address = try UnixAddress(name)
        let listener = try UnixListener.bind(to: address, kind: .stream)
        let holder = Mutex<LinkServer?>(nil)
        let ends = AsyncStream.makeStream(of: LinkFailure.self)
        let server = try LinkServer.start(listener, loop: loop) { _ in
            holder.withLock(\.self)?.stop()
            return LinkHandlers(ended: { ends.continuation.yield($0) })
        }
        holder.withLock { $0 = server }
        let socket = try UnixSocket.connect(to: address, kind: .stream)
        for await failure in ends.stream {
            #expect(failure.reason == .closed)
            break
        }
        #expect(server.links.isEmpty)
        _ = socket.descriptor.rawValue
    }
}

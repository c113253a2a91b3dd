import Libvirt
import LibvirtProtocol
import LibvirtTesting
import Testing
import XDR

@Suite("What a supervisor tells and tidies", .timeLimit(.minutes(4))) struct SupervisorNoticeTests {
    private func withSupervisor(
        _ body: (FakeLibvirtd, AsyncStream<SupervisedConnection.Notice>) async throws -> Void
    ) async throws {
        try await withFake { daemon in
            daemon.serve(Remote.CONNECT_REGISTER_CLOSE_CALLBACK) { _ in XDRVoid() }
            let supervised = SupervisedConnection(
                daemon.uri, backOff: .init(first: .milliseconds(1), longest: .milliseconds(5)))
            let (notices, sink) = AsyncStream.makeStream(of: SupervisedConnection.Notice.self)
            let task = Task { await supervised.run { sink.yield($0) } }
            try await body(daemon, notices)
            task.cancel()
            await task.value
        }
    }

    @Test("an event that cannot be read is told with its kind and the reason")
    func undecodable() async throws {
        try await withSupervisor { daemon, stream in
            var notices = stream.makeAsyncIterator()
            guard case .connected = await notices.next() else {
                Issue.record("not connected")
                return
            }
            let short = XDRProcedure<remote_connect_supports_feature_args, XDRVoid>(
                program: Remote.program, version: 1,
                number: Remote.DOMAIN_EVENT_CALLBACK_LIFECYCLE.number, name: "SHORT")
            try daemon.emit(.lifecycle, short) { .init(feature: $0) }
            let notice = await notices.next()
            guard case .undecodable(.domain(.lifecycle), let reason) = notice else {
                Issue.record("it told \(String(describing: notice))")
                return
            }
            #expect(reason.contains("XDR error at byte 4"))
        }
    }

    @Test("a connection whose daemon has lost the hypervisor's is closed, whoever holds it")
    func driverLoss() async throws {
        try await withSupervisor { daemon, stream in
            var notices = stream.makeAsyncIterator()
            guard case .connected(let first) = await notices.next() else {
                Issue.record("not connected")
                return
            }
            let asked = Remote.CONNECT_REGISTER_CLOSE_CALLBACK.name
            try await eventually("the daemon was asked to tell") { daemon.calls.contains(asked) }
            try daemon.emitConnectionClosed(.error)
            guard case .disconnected = await notices.next(), case .connected = await notices.next()
            else {
                Issue.record("it did not come back")
                return
            }
            #expect(!first.isAlive)
            #expect(first.closure?.isDriver == true)
        }
    }
}

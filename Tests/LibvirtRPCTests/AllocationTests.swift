import CountedAllocations
import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Testing
import XDR

@Suite("Allocations", .timeLimit(.minutes(4)))
struct AllocationTests {
    /// What one call may allocate on the client's side, from its arguments to its result. Built for
    /// debug, as tests are; for release it is less.
    static let mostOfACall = 11.0

    @Test("a call makes no more than stated")
    func call() async throws {
        let (clientLoop, serverLoop) = (
            try EventLoop.start(name: "client"), try EventLoop.start(name: "server")
        )
        let sockets = try UnixSocket.pair(.stream)
        let mine = try UnixSocket(adopting: try sockets.first.descriptor.duplicate())
        let theirs = try UnixSocket(adopting: try sockets.second.descriptor.duplicate())
        var table = ProcedureTable()
        table.serve(Remote.CONNECT_GET_LIB_VERSION) { _ in .init(lib_ver: 9_000_000) }
        let server = Link.start(
            UnixCarrier(theirs, loop: serverLoop), timers: serverLoop, configuration: .server,
            handlers: LinkHandlers(answer: { [table] in await table.answer($0) }))
        let client = Link.start(UnixCarrier(mine, loop: clientLoop), timers: clientLoop)
        // Everything that the client does then happens on one thread, which is the one that counts.
        let perCall = try await withTaskExecutorPreference(clientLoop) {
            for _ in 0..<100 { try await call(client) }
            let before = counted_allocations()
            for _ in 0..<1000 { try await call(client) }
            return Double(counted_allocations() - before) / 1000
        }
        #expect(perCall <= Self.mostOfACall)
        for link in [client, server] {
            link.close()
            await link.waitUntilReleased()
        }
        clientLoop.stop()
        serverLoop.stop()
    }

    private func call(_ link: Link) async throws {
        let version = try await link.call(Remote.CONNECT_GET_LIB_VERSION, XDRVoid()).lib_ver
        // No `#expect`: it allocates for itself.
        if version != 9_000_000 { Issue.record("another version: \(version)") }
    }
}

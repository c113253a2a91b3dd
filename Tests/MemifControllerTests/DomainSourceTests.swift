import Foundation
import LibvirtProtocol
import LibvirtTesting
import MemifController
import Synchronization
import Testing

@Suite("Domains of a libvirt daemon that comes and goes", .timeLimit(.minutes(2)))
struct DomainSourceTests {
    @Test("a connection that comes back is one reason to look, and not two")
    func comesBack() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "fake-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        ).path
        let daemon = try FakeLibvirtd.start(at: path)
        defer { daemon.stop() }
        let source = LibvirtDomainSource(uri: daemon.uri)
        let (notices, sink) = AsyncStream.makeStream(of: SourceNotice.self)
        let running = Task { await source.run { sink.yield($0) } }
        var iterator = notices.makeAsyncIterator()
        #expect(await iterator.next() == .connected)
        daemon.disconnectClients()
        guard case .disconnected = await iterator.next() else {
            Issue.record("the loss was not told")
            return
        }
        #expect(await iterator.next() == .connected)
        try daemon.emitLifecycle(of: "vm", .started)
        guard case .changed = await iterator.next() else {
            Issue.record("something else was told before the event")
            return
        }
        running.cancel()
        await running.value
    }
}

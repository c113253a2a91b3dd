import LibvirtRPC
import LinuxIO
import Logging
import MemifController
import Testing
import VirtwireProtocol
import XDR

@Suite("The control socket")
struct ControlServerTests {
    private func withDaemon(
        _ body: (FakeSource, RuntimeLayout, Link) async throws -> Void
    ) async throws {
        let scratch = try Scratch()
        let source = FakeSource()
        let daemon = Daemon(
            scratch.configuration, uri: "fake:///", source: source, backend: FakeBackend(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let task = Task { try await daemon.run() }
        let layout = RuntimeLayout(scratch.configuration)
        #expect(await eventually { (try? SocketFile.probe(layout.controlSocket)) == .live })
        let loop = try RealDaemon.loop.get()
        let socket = try UnixSocket.connect(
            to: UnixAddress(path: layout.controlSocket), kind: .stream)
        let link = Link.start(UnixCarrier(socket, loop: loop), timers: loop)
        try await body(source, layout, link)
        task.cancel()
        try await task.value
        #expect(await eventually { link.failure != nil })
        #expect(try SocketFile.probe(layout.controlSocket) == .absent)
    }

    @Test("it says what it is, and refuses what it does not know")
    func version() async throws {
        try await withDaemon { _, layout, link in
            let version = try await link.call(Virtwire.VERSION, XDRVoid())
            #expect(version.version.text == Daemon.version)
            #expect(version.protocol == 2)
            #expect(try FileStatus(path: layout.controlSocket).permissions == 0o660)
            let unknown = XDRProcedure<XDRVoid, XDRVoid>(
                program: Virtwire.program, version: 1, number: 99, name: "UNKNOWN")
            let error = await #expect(throws: RPCError.self) {
                _ = try await link.call(unknown, XDRVoid())
            }
            #expect(error?.description.contains("unknown procedure: 99") == true)
        }
    }

    @Test("the status has the connection, every port, and what is wrong with each")
    func status() async throws {
        try await withDaemon { source, layout, link in
            let vm = Sample.vm(1)
            source.define(vm, "<memif:port name='a'/><memif:port name='b' mode='x'/><memif:port/>")
            source.start(vm)
            var status = try await link.call(Virtwire.STATUS, XDRVoid())
            let isComplete = try await eventually {
                status = try await link.call(Virtwire.STATUS, XDRVoid())
                return status.ports.count == 3 && status.ports[0].state.text == "Ready"
            }
            #expect(isComplete)
            #expect(status.libvirt_uri.text == "fake:///" && status.libvirt_connected)
            #expect(status.ports.map(\.name.text) == ["a", "b", "memif:port[3]"])
            #expect(status.ports.map(\.state.text) == ["Ready", "Failed", "Failed"])
            let port = status.ports[0]
            #expect(port.vm_uuid.bytes == vm.bytes)
            #expect(port.vm_name.text == "vm-1")
            #expect(port.socket_path.text == layout.socket(of: vm, port: "a"))
            #expect(port.mode == 0o660)
            #expect(port.ready_latency_us > 0)
            #expect(port.since_ms > 1_700_000_000_000)
            #expect(status.ports[1].reason.text.contains("attribute mode"))
            #expect(status.ports[1].remedy.text.contains("'ethernet'"))
            source.disconnect()
            let isTold = try await eventually {
                status = try await link.call(Virtwire.STATUS, XDRVoid())
                return !status.libvirt_connected
            }
            #expect(isTold)
            #expect(status.libvirt_error.text == "the fake was told to go")
        }
    }
}

import LibvirtRPC
import LinuxIO
import MemifController
import Testing
import VirtwireProtocol
import XDR

@Suite("The control socket")
struct ControlServerTests {
    @Test("it says what it is, and refuses what it does not know")
    func version() async throws {
        try await ControlHarness.run { it in
            let version = try await it.link.call(Virtwire.VERSION, XDRVoid())
            #expect(version.version.text == Daemon.version)
            #expect(version.protocol == 19)
            let path = it.layout.readOnlyControlSocket
            #expect(try FileStatus(path: path).permissions == 0o666)
            let unknown = XDRProcedure<XDRVoid, XDRVoid>(
                program: Virtwire.program, version: 1, number: 99, name: "UNKNOWN")
            let error = await #expect(throws: RPCError.self) {
                _ = try await it.link.call(unknown, XDRVoid())
            }
            #expect(error?.description.contains("unknown procedure: 99") == true)
        }
    }

    @Test("who may use ports may not administer the daemon: that has a group of its own, or none")
    func administrators() async throws {
        try await ControlHarness.run({ ($0.group, $0.adminGroup) = ("root", "kvm") }) { it in
            let socket = try FileStatus(path: it.layout.controlSocket)
            #expect(socket.permissions == 0o660 && socket.group == Accounts.group("kvm"))
        }
        try await ControlHarness.run({ ($0.group, $0.adminGroup) = ("kvm", "no-such") }) { it in
            let socket = try FileStatus(path: it.layout.controlSocket)
            #expect(socket.permissions == 0o600 && socket.group != Accounts.group("kvm"))
        }
    }

    @Test("a control socket that is taken away is back soon, and costs no client its link")
    func lost() async throws {
        try await ControlHarness.run({ $0.adminGroup = "kvm" }) { it in
            for path in [it.layout.controlSocket, it.layout.readOnlyControlSocket] {
                let standing = try ControlHarness.connect(path)
                _ = try await standing.call(Virtwire.VERSION, XDRVoid())
                let before = try FileStatus(path: path)
                try File.remove(path)
                #expect(await eventually { (try? SocketFile.probe(path)) == .live })
                let after = try FileStatus(path: path)
                #expect(after.permissions == before.permissions && after.group == before.group)
                _ = try await standing.call(Virtwire.VERSION, XDRVoid())
                _ = try await ControlHarness.connect(path).call(Virtwire.VERSION, XDRVoid())

                // Something else in its place is nobody's to remove, and keeps nothing else from standing.
                try File.remove(path)
                try Directory.ensure(path, mode: 0o700)
                let vm = Sample.vm(UInt8(path.utf8.count))
                it.source.define(vm, "<memif:port name='a'/>")
                #expect(await eventually { File.exists(it.layout.socket(of: vm, port: "a")) })
                #expect(try FileStatus(path: path).isDirectory)
                try Directory.remove(path)
                #expect(await eventually { (try? SocketFile.probe(path)) == .live })
                _ = try await ControlHarness.connect(path).call(Virtwire.VERSION, XDRVoid())
            }
        }
    }

    @Test("the status has the connection, every port, and what is wrong with each")
    func status() async throws {
        try await ControlHarness.run { it in
            let vm = Sample.vm(1)
            it.source.define(
                vm, "<memif:port name='a'/><memif:port name='b' mode='x'/><memif:port/>")
            it.source.start(vm)
            var status = try await it.link.call(Virtwire.STATUS, XDRVoid())
            let isComplete = try await eventually {
                status = try await it.link.call(Virtwire.STATUS, XDRVoid())
                return status.ports.count == 3 && status.ports[0].state.text == "Ready"
            }
            #expect(isComplete)
            #expect(status.libvirt_uri.text == "fake:///" && status.libvirt_connected)
            #expect(status.ports.map(\.name.text) == ["a", "b", "memif:port[3]"])
            #expect(status.ports.map(\.state.text) == ["Ready", "Failed", "Failed"])
            let port = status.ports[0]
            #expect(port.vm_uuid.bytes == vm.bytes)
            #expect(port.vm_name.text == "vm-1")
            #expect(port.socket_path.text == it.layout.socket(of: vm, port: "a"))
            #expect(port.mode == 0o660)
            #expect(port.ready_latency_us > 0)
            #expect(port.since_ms > 1_700_000_000_000)
            #expect(status.ports[1].reason.text.contains("attribute mode"))
            #expect(status.ports[1].remedy.text.contains("'ethernet'"))
            it.source.disconnect()
            let isTold = try await eventually {
                status = try await it.link.call(Virtwire.STATUS, XDRVoid())
                return !status.libvirt_connected
            }
            #expect(isTold)
            #expect(status.libvirt_error.text == "the fake was told to go")
        }
    }
}

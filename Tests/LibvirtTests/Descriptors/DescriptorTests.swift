import Foundation
import Glibc
import Libvirt
import LibvirtProtocol
import LibvirtRPC
import LibvirtTesting
import LinuxIO
import Testing
import XDR

/// A queue of one.
private func queue(_ descriptor: consuming OwnedDescriptor) -> DescriptorQueue {
    var queue = DescriptorQueue()
    queue.append(descriptor)
    return queue
}

/// A socket, whose other end is closed.
private func socket() throws(SystemError) -> OwnedDescriptor {
    try UnixSocket.pair(.stream).first.descriptor.duplicate()
}

/// What a descriptor gives first: waits for it.
private func firstBytes(_ descriptor: borrowing OwnedDescriptor, _ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var waiting = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
    while bytes.count < count, unsafe poll(&waiting, 1, 20_000) == 1 {
        var byte: UInt8 = 0
        guard unsafe read(descriptor.rawValue, &byte, 1) == 1 else { break }
        bytes.append(byte)
    }
    return bytes
}

@Suite("Descriptors that pass to a real QEMU and from it", .serialized, .timeLimit(.minutes(3)))
struct DescriptorTests {
    private func xml(_ devices: String) -> String {
        """
        <domain type='qemu'><name>descriptors</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
        <os><type arch='x86_64' machine='q35'>hvm</type></os>
        <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>\(devices)
        <memballoon model='none'/></devices></domain>
        """
    }

    private func withQEMU(_ body: (TestLibvirtd, Connection) async throws -> Void) async throws {
        try await withDaemon(wantsQEMU: true) { daemon in
            let connection = try await Connection.open(daemon.uri("qemu", "/system"))
            try await body(daemon, connection)
            await connection.close()
        }
    }

    @Test("a display speaks on the socket that it returned, and on one that it was given")
    func graphics() async throws {
        try await withQEMU { _, connection in
            let domain = try await connection.createDomain(
                xml: xml("<graphics type='vnc'><listen type='socket'/></graphics>"),
                flags: .startPaused)
            let display = try await domain.openGraphics()
            #expect(firstBytes(display, 4) == Array("RFB ".utf8))
            let pair = try UnixSocket.pair(.stream)
            let theirs = try pair.second.descriptor.duplicate()
            try await domain.openGraphics(socket: theirs)
            #expect(firstBytes(pair.first.descriptor, 4) == Array("RFB ".utf8))
            try await domain.destroy()
        }
    }

    @Test("QEMU's monitor takes a descriptor with a command")
    func monitor() async throws {
        try await withQEMU { _, connection in
            let domain = try await connection.createDomain(xml: xml(""), flags: .startPaused)
            let pair = try UnixSocket.pair(.stream)
            let reply = try await domain.qemuMonitorCommand(
                cmd: #"{"execute":"getfd","arguments":{"fdname":"ours"}}"#,
                files: queue(try pair.second.descriptor.duplicate()))
            #expect(reply.value.contains(#""return":{}"#))
            let closing = try await domain.qemuMonitorCommand(
                cmd: #"{"execute":"closefd","arguments":{"fdname":"ours"}}"#)
            #expect(closing.contains(#""return":{}"#))
            // Refused by QEMU: the descriptor is closed all the same.
            let refused = try await domain.qemuMonitorCommand(
                cmd: #"{"execute":"no-such-command"}"#,
                files: queue(try pair.second.descriptor.duplicate()))
            #expect(refused.value.contains("CommandNotFound"))
            try await domain.destroy()
        }
    }

    @Test("a disk is used through a descriptor that was associated with the domain")
    func association() async throws {
        try await withQEMU { daemon, connection in
            let path = daemon.directory + "/disk"
            #expect(FileManager.default.createFile(atPath: path, contents: Data(count: 1 << 20)))
            let disk = """
                <disk type='file' device='disk'><driver name='qemu' type='raw'/>
                <source file='\(path)' fdgroup='disk'/><target dev='vda' bus='virtio'/></disk>
                """
            let domain = try await connection.defineDomain(xml: xml(disk))
            await #expect(throws: LibvirtError.self) {
                try await domain.create(flags: .startPaused)
            }
            let file = OwnedDescriptor(adopting: unsafe open(path, O_RDWR | O_CLOEXEC))
            try await domain.associateDescriptors(queue(file), name: "disk")
            try await domain.create(flags: .startPaused)
            #expect(try await domain.isActive())
            try await domain.destroy()
            try await domain.undefine()
        }
    }
}

@Suite("Descriptors and a daemon that does not do as it should", .timeLimit(.minutes(4)))
struct PassingTests {
    private func domain(_ daemon: FakeLibvirtd) async throws -> Domain {
        daemon.serve(Remote.DOMAIN_LOOKUP_BY_NAME) { arguments in
            .init(dom: .init(name: arguments.name, uuid: remote_uuid(), id: 1))
        }
        return try await Connection.open(daemon.uri).lookUpDomain(name: "vm")
    }

    @Test("they arrive in order, and come back in order")
    func order() async throws {
        try await withFake { daemon in
            daemon.servePassing(Qemu.DOMAIN_MONITOR_COMMAND_WITH_FILES) { arguments, passed in
                (.init(result: arguments.cmd), passed)
            }
            let domain = try await domain(daemon)
            var files = DescriptorQueue()
            var identities: [FileIdentity] = []
            for _ in 0..<32 {
                let pair = try UnixSocket.pair(.stream)
                identities.append(try pair.first.descriptor.status().identity)
                files.append(try pair.first.descriptor.duplicate())
            }
            var reply = try await domain.qemuMonitorCommand(cmd: "echo", files: files)
            #expect(reply.value == "echo")
            for identity in identities {
                let descriptor = reply.descriptors.popFirst()
                let found = try descriptor?.status().identity
                #expect(found == identity)
            }
            let left = reply.descriptors.count
            #expect(left == 0)
        }
    }

    @Test("a reply without the descriptor that it should bring is an error")
    func missing() async throws {
        try await withFake { daemon in
            daemon.serve(Remote.DOMAIN_OPEN_GRAPHICS_FD) { _ in XDRVoid() }
            let domain = try await domain(daemon)
            let error = await failure { _ = try await domain.openGraphics() }
            #expect(error?.description.contains("brought no descriptor") == true)
        }
    }

    @Test("too many, or to a daemon that takes none, are refused here")
    func refused() async throws {
        try await withFake { daemon in
            let domain = try await domain(daemon)
            let many = await failure {
                var files = DescriptorQueue()
                for _ in 0..<33 { files.append(try socket()) }
                _ = try await domain.create(files: files)
            }
            #expect(many?.description.contains("at most 32") == true)
            daemon.serve(Remote.CONNECT_SUPPORTS_FEATURE) { _ in .init(supported: 0) }
            let old = try await self.domain(daemon)
            let error = await failure { _ = try await old.openNamespaces() }
            #expect(error?.description.contains("UNIX socket") == true)
            #expect(!daemon.calls.contains("DOMAIN_CREATE_WITH_FILES"))
        }
    }

    @Test("none is left open when calls are cancelled, refused or answered late")
    func leaks() async throws {
        try await withFake { daemon in
            daemon.servePassing(Remote.DOMAIN_OPEN_GRAPHICS_FD) { _, _ in
                var reply = DescriptorQueue()
                if let end = try? socket() { reply.append(end) }
                return (XDRVoid(), PassedDescriptors(reply))
            }
            let domain = try await domain(daemon)
            _ = try await domain.openGraphics()
            let before = try openDescriptorCount()
            for round in 0..<40 {
                daemon.inject(.hold, into: Remote.DOMAIN_OPEN_GRAPHICS_FD)
                let late = Task { _ = try await domain.openGraphics() }
                try await eventually("the call is held") { daemon.heldCallCount == 1 }
                late.cancel()
                _ = await late.result
                daemon.releaseHeldCalls()
                _ = try await domain.openGraphics()
                let error = await failure {
                    _ = try await domain.create(files: queue(try socket()))
                }
                #expect(error != nil, "round \(round)")
            }
            try await eventually("every descriptor is closed") {
                try openDescriptorCount() <= before
            }
        }
    }

    /// The error that something ends with.
    private func failure(_ body: () async throws -> Void) async -> LibvirtError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? LibvirtError
        }
    }
}

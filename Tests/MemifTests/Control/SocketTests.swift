import Foundation
import LinuxIO
import MemifTesting
import Synchronization
import Testing

@testable import Memif

@Suite("Sockets of all kinds")
struct SocketTests {
    private static func passes(_ master: MemifLink, _ slave: MemifLink) throws -> Bool {
        var sender = try unwrap(slave.takeTransmitQueue(0))
        var receiver = try unwrap(master.takeReceiveQueue(0))
        return try Frames.pass([[1, 2, 3], [4]], through: &sender, &receiver) == [[1, 2, 3], [4]]
    }

    @Test("a socket's own interfaces can be both ends of a link, which comes back")
    func loopback() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop)
        let master = try socket.add(InterfaceConfiguration(id: 7))
        let slave = try socket.connect(InterfaceConfiguration(id: 7))
        let first = try await slave.waitForLink(within: .seconds(30))
        #expect(
            try Self.passes(try await master.waitForLink(within: .seconds(30)), first))
        #expect(first.peer?.process == ProcessInfo.processInfo.processIdentifier)
        master.disconnect(DisconnectReason(.administrative, "again"))
        try await eventually("the link is another") {
            guard let link = slave.link else { return false }
            return link !== first && master.link?.isUp == true
        }
        socket.close()
        try await eventually("it is down") { slave.link == nil }
    }

    @Test("a listener goes from one socket object to another, with nobody lost")
    func handedOn() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let address = try directory.address()
        let first = try MasterSocket.listen(at: address, on: loop, options: .patient)
        let old = try first.add(InterfaceConfiguration(id: 1))
        let slave = try MemifInterface.connect(to: address, InterfaceConfiguration(id: 1), on: loop)
        let link = try await slave.waitForLink(within: .seconds(30))
        #expect(first.address == address)
        let listener = try unwrap(first.releaseListener())
        #expect(first.address == nil)
        expectEqual(first.releaseListener().isNil, true)
        // Who comes now waits at the door.
        let next = try MemifInterface.connect(
            to: address, InterfaceConfiguration(id: 2), on: loop, handshakeTimeout: .seconds(120))
        let second = try MasterSocket(listener, on: loop, options: .patient)
        let new = try second.add(InterfaceConfiguration(id: 2))
        #expect(
            try Self.passes(
                try await new.waitForLink(within: .seconds(30)),
                try await next.waitForLink(within: .seconds(30))))
        #expect(link.isUp && old.link?.isUp == true)
        first.close()
        #expect(FileManager.default.fileExists(atPath: address.name))
        // It came from elsewhere, and is whoever's to remove.
        second.close()
        #expect(FileManager.default.fileExists(atPath: address.name))
    }

    /// They may not while a user has too much that cannot be closed.
    @Test("whoever comes to a listener that is given away may pass descriptors")
    func passing() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop)
        func forbid() { socket.state.withLock { $0.listener?.letPeersPassDescriptors(false) } }
        func pass() throws {
            let peer = try RawPeer(connectingTo: directory.address())
            try peer.send(.acknowledge, descriptors: [loop.descriptor.rawValue])
        }
        forbid()
        _ = try socket.freezeListener()
        try pass()
        forbid()
        let listener = try unwrap(socket.releaseListener())
        try pass()
        _ = consume listener
    }

    @Test("an abstract name is known in its network namespace only")
    func namespaces() async throws {
        let sleeper = Process()
        sleeper.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        sleeper.arguments = ["--net", "--user", "--map-root-user", "cat"]
        let pipe = Pipe()
        sleeper.standardInput = pipe
        try sleeper.run()
        defer { try? pipe.fileHandleForWriting.close() }
        let path = "/proc/\(sleeper.processIdentifier)/ns/net"
        let files = FileManager.default
        let own = try files.destinationOfSymbolicLink(atPath: "/proc/self/ns/net")
        try await eventually("the namespace is made") {
            try files.destinationOfSymbolicLink(atPath: path) != own
        }
        let namespace = try NetworkNamespace(path: path)
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let address = try UnixAddress(abstract: "virtwire-test-\(sleeper.processIdentifier)")
        let socket = try MasterSocket.listen(
            at: address, in: namespace, on: loop, options: .patient)
        let master = try socket.add(InterfaceConfiguration())
        let stranger = try MemifInterface.connect(
            to: address, InterfaceConfiguration(), on: loop, reconnect: nil)
        try await eventually("nobody is found") { stranger.lastEnd != nil }
        #expect(stranger.lastEnd?.cause == .system)
        let slave = try MemifInterface.connect(
            to: address, in: namespace, InterfaceConfiguration(), on: loop)
        let link = try await slave.waitForLink(within: .seconds(30))
        #expect(try Self.passes(try await master.waitForLink(within: .seconds(30)), link))
        socket.close()
    }

    @Test("a socket that nobody can be served on leaves no file")
    func stoppedLoop() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        loop.stop()
        #expect(throws: MemifError.self) {
            try MasterSocket.listen(at: directory.address(), on: loop)
        }
        #expect(try SocketFile.probe(directory.path("m.sock")) == .absent)
    }

    @Test("a slave asks who the master is")
    func trust() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        _ = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil
        ) { peer in peer.user == 4_294_967_000 }
        try await eventually("it was refused") { slave.lastEnd != nil }
        #expect(slave.lastEnd?.reason.code == .notPermitted)
        let other = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop
        ) { peer in peer.process == ProcessInfo.processInfo.processIdentifier }
        _ = try await other.waitForLink(within: .seconds(30))
        socket.close()
    }

    @Test("a program with a loop of its own polls one descriptor, timers included")
    func unattended() async throws {
        let directory = try TemporaryDirectory()
        let address = try directory.address()
        let passed = try await onThread { () throws -> Bool in
            let loop = try EventLoop.unattended()
            let poller = try Poller()
            try poller.add(loop.descriptor, for: .readable, token: 1)
            let socket = try MasterSocket.listen(at: address, on: loop)
            let master = try socket.add(InterfaceConfiguration())
            // Nobody listens at first: the slave's second attempt is a timer's.
            let policy = ReconnectPolicy(
                firstPause: .milliseconds(20), longestPause: .milliseconds(20))
            let early = try UnixAddress(path: address.name + ".2")
            let slave = try MemifInterface.connect(
                to: early, InterfaceConfiguration(), on: loop, reconnect: policy)
            var second: MasterSocket?
            let end = ContinuousClock.now + .seconds(30)
            while slave.link == nil, ContinuousClock.now < end {
                try poller.wait(milliseconds: 1000) { _, _ in }
                try loop.runReady()
                guard second == nil, slave.lastEnd != nil else { continue }
                second = try MasterSocket.listen(at: early, on: loop)
                _ = try second?.add(InterfaceConfiguration())
            }
            guard let link = slave.link, let other = second?.interface(id: 0)?.link else {
                return false
            }
            let result = try Self.passes(other, link)
            loop.stop()
            try loop.runReady()
            return result && master.link == nil
        }
        #expect(passed)
    }
}

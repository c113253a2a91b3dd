import Glibc
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Processes of ours that are killed in the midst of a burst, with a real testpmd as the peer.
@Suite("Killed, with DPDK's testpmd as the peer")
struct KilledTests {
    @Test("a slave of ours is, and testpmd serves its successor")
    func slave() async throws {
        let directory = try TemporaryDirectory()
        var options = Testpmd.Options(.master, path: directory.path("m.sock"))
        options.forwarding = .echo
        var testpmd = try await Testpmd(options)
        unsafe setenv("MEMIF_TEST_SOCKET", directory.path("m.sock"), 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let path = try #require(
                unsafe getenv("MEMIF_TEST_SOCKET").map { unsafe String(cString: $0) })
            let loop = try EventLoop.start(name: "memif")
            let interface = try MemifInterface.connect(
                to: UnixAddress(path: path), InterfaceConfiguration(), on: loop)
            try await Self.floodAndDie(interface)
        }
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let interface = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            handshakeTimeout: .seconds(120))
        let link = try await interface.nextLink(&testpmd, options)
        let received = try await onThread {
            try Echo.pass([[1, 2, 3, 4]], over: link, queue: 0, .interrupt)
        }
        #expect(received == [[1, 2, 3, 4]])
        interface.remove()
        await testpmd.stop()
    }

    @Test("a master of ours is, and its successor takes the socket over")
    func master() async throws {
        let directory = try TemporaryDirectory()
        unsafe setenv("MEMIF_TEST_SOCKET_2", directory.path("m.sock"), 1)
        await #expect(processExitsWith: .signal(SIGKILL)) {
            let path = try #require(
                unsafe getenv("MEMIF_TEST_SOCKET_2").map { unsafe String(cString: $0) })
            let loop = try EventLoop.start(name: "memif")
            let socket = try MasterSocket.listen(
                at: UnixAddress(path: path), on: loop, options: .patient)
            let interface = try socket.add(InterfaceConfiguration())
            var options = Testpmd.Options(.slave, path: path)
            options.forwarding = .echo
            let testpmd = try await Testpmd(options)
            try await Self.floodAndDie(interface)
            withExtendedLifetime(testpmd) {}
        }
        // The file is still there, and nobody listens.
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        let interface = try socket.add(InterfaceConfiguration())
        var options = Testpmd.Options(.slave, path: directory.path("m.sock"))
        options.forwarding = .echo
        let testpmd = try await Testpmd(options)
        let link = try await interface.waitForLink(within: .seconds(60))
        let received = try await onThread {
            try Echo.pass([[1, 2, 3, 4]], over: link, queue: 0, .interrupt)
        }
        #expect(received == [[1, 2, 3, 4]])
        await testpmd.stop()
        socket.close()
    }

    /// Waits for a link, sends and receives on it, and ends this process while it does.
    private static func floodAndDie(_ interface: MemifInterface) async throws {
        let link = try await interface.waitForLink(within: .seconds(60))
        let flood = try Flood(link)
        try await eventually("frames come back") { link.received.packets > 1000 }
        kill(getpid(), SIGKILL)
        await flood.ended()
    }
}

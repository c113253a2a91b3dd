import LinuxIO
import MemifTesting
import Testing

@testable import Memif

@Suite("Regions of a peer's")
struct RegionTests {
    static let pages = 2 << 20

    private static func admit(
        _ file: consuming OwnedDescriptor, _ limits: InterfaceLimits = InterfaceLimits()
    ) throws(LinkEnd) {
        _ = try Region(peerFile: file, byteCount: UInt64(pages), limits: limits)
    }

    @Test("lie in sealed files, and in huge pages only where that is allowed")
    func decision() throws {
        var limits = InterfaceLimits()
        let huge = Region.hugePageFileSystem
        // TMPFS_MAGIC
        #expect(!Region.isRefused(fileSystem: 0x0102_1994, limits))
        #expect(Region.isRefused(fileSystem: huge, limits))
        limits.admitsHugePages = true
        #expect(!Region.isRefused(fileSystem: huge, limits))
        let file = try OwnedDescriptor.memoryFile(
            name: "unsealed", byteCount: Self.pages, seals: [])
        do throws(LinkEnd) {
            try Self.admit(file, limits)
            Issue.record("a file that can be cut is admitted")
        } catch {
            #expect(error.reason.text.contains("F_SEAL_SHRINK"))
        }
        limits = InterfaceLimits()
        limits.requiresSealedRegions = false
        try Self.admit(
            .memoryFile(name: "unsealed", byteCount: Self.pages, seals: []), limits)
    }

    @Test("are faulted in a part at a time, and others have their turn meanwhile")
    func slices() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.unattended()
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        _ = try socket.add(InterfaceConfiguration())
        let peer = try RawPeer(connectingTo: directory.address())
        try loop.runReady()
        try await peer.expect("HELLO")
        try peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "raw")))
        try loop.runReady()
        try await peer.expect("ACK")
        let byteCount = 4 * Region.sliceByteCount
        let file = try OwnedDescriptor.memoryFile(name: "large", byteCount: byteCount)
        let region = ControlMessage.AddRegion(index: 0, byteCount: UInt64(byteCount))
        try peer.send(.addRegion(region), descriptors: [file.rawValue])
        try peer.send(.connect(interfaceName: "too early"))
        // One part in each turn.
        for _ in 0..<2 { try loop.runReady() }
        let other = try RawPeer(connectingTo: directory.address())
        try loop.runReady()
        try await other.expect("HELLO")
        do throws(RawPeerError) {
            let early = try await peer.receive(within: .milliseconds(20))
            Issue.record("an answer before all of it is there")
            _ = consume early
        } catch {
            #expect(error.description.hasPrefix("no message came"))
        }
        try loop.runReady()
        try await peer.expect("ACK")
        // Then the next message is read: CONNECT without rings.
        try loop.runReady()
        #expect(try await peer.receiveDisconnect() != nil)
        socket.close()
        loop.stop()
        try loop.runReady()
    }

    @Test("many at a time are faulted in one in each turn")
    func many() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.unattended()
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: .patient)
        _ = try socket.add(InterfaceConfiguration())
        let peer = try RawPeer(connectingTo: directory.address())
        try loop.runReady()
        try await peer.expect("HELLO")
        try peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "raw")))
        let file = try OwnedDescriptor.memoryFile(name: "again", byteCount: 1 << 20)
        for index in 0..<8 as Range<UInt16> {
            let region = ControlMessage.AddRegion(index: index, byteCount: 1 << 20)
            try peer.send(.addRegion(region), descriptors: [file.rawValue])
        }
        try loop.runReady()
        // INIT's and the first one's.
        for _ in 0..<2 { try await peer.expect("ACK") }
        for _ in 1..<8 {
            do throws(RawPeerError) {
                let early = try await peer.receive(within: .milliseconds(5))
                Issue.record("another in the same turn")
                _ = consume early
            } catch {
                #expect(error.description.hasPrefix("no message came"))
            }
            try loop.runReady()
            try await peer.expect("ACK")
        }
        socket.close()
        loop.stop()
        try loop.runReady()
    }

    @Test("and one of our own, of a slave, in parts as well")
    func ours() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.unattended()
        let master = try RawMaster(at: directory.address())
        var configuration = InterfaceConfiguration()
        configuration.bufferSize = 32_768
        let slave = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
        try loop.runReady()
        let peer = try await master.accept()
        try peer.send(.hello(ControlMessage.Hello(name: "raw master")))
        var turns = 0
        var first: String?
        while first == nil, turns < 100 {
            try loop.runReady()
            turns += 1
            do throws(RawPeerError) {
                if let incoming = try await peer.receive(within: .milliseconds(5)) {
                    first = incoming.message.name
                } else {
                    first = "the end"
                }
            } catch {
                #expect(error.description.hasPrefix("no message came"))
            }
        }
        #expect(first == "INIT")
        // 64 MiB of buffers.
        #expect(turns >= 5)
        slave.remove()
        loop.stop()
        try loop.runReady()
    }

    @Test("a file is asked what it lies in")
    func files() throws {
        let usual = try OwnedDescriptor.memoryFile(name: "usual", byteCount: Self.pages)
        #expect(try usual.fileSystemType() == 0x0102_1994)
        try Self.admit(usual)
        // A kernel without huge pages makes no such file, and so does no peer of ours.
        guard
            let huge = try? OwnedDescriptor.memoryFile(
                name: "huge", byteCount: Self.pages, hugePages: true)
        else { return }
        #expect(try huge.fileSystemType() == Region.hugePageFileSystem)
        do throws(LinkEnd) {
            try Self.admit(huge)
            Issue.record("a peer's huge pages are admitted")
        } catch {
            #expect(error.reason.code == .regionRefused)
            #expect(error.reason.text.contains("huge pages"))
        }
    }
}

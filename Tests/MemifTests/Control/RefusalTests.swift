import Foundation
import LinuxIO
import Memif
import MemifTesting
import Testing

@Suite("What is refused, and what the other end is told")
struct RefusalTests {
    private let directory: TemporaryDirectory
    private let loop: EventLoop
    private let socket: MasterSocket

    init() throws {
        directory = try TemporaryDirectory()
        loop = try EventLoop.start(name: "memif")
        socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
    }

    /// What a slave of ours is told when it is refused.
    private func refusal(_ configuration: InterfaceConfiguration) async throws -> LinkEnd {
        let slave = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
        try await eventually("the slave is refused") { slave.lastEnd != nil }
        let end = try #require(slave.lastEnd)
        slave.remove()
        return end
    }

    @Test("an unknown id")
    func unknownID() async throws {
        _ = try socket.add(InterfaceConfiguration(id: 1))
        let end = try await refusal(InterfaceConfiguration(id: 9))
        #expect(end == LinkEnd(.peer, DisconnectReason(.unknownInterface, "no interface has id 9")))
        try await eventually("the socket counts it") { socket.refusals.count == 1 }
        #expect(socket.refusals.last?.reason.code == .unknownInterface)
    }

    @Test("a wrong secret, and none at all", arguments: ["guess", nil])
    func wrongSecret(_ guess: String?) async throws {
        let interface = try socket.add(
            InterfaceConfiguration(id: 1, secret: try Secret("open sesame")))
        let secret = try guess.map { try Secret($0) }
        let end = try await refusal(InterfaceConfiguration(id: 1, secret: secret))
        let reason = DisconnectReason(.wrongSecret, "wrong secret for interface 1")
        #expect(end == LinkEnd(.peer, reason))
        // The interface tells as well, and is free for who knows better.
        try await eventually("the interface knows") { interface.lastEnd != nil }
        #expect(interface.lastEnd == LinkEnd(.refused, reason))
        let friend = try MemifInterface.connect(
            to: directory.address(),
            InterfaceConfiguration(id: 1, secret: try Secret("open sesame")), on: loop,
            handshakeTimeout: .seconds(120))
        _ = try await friend.waitForLink(within: .seconds(30))
        friend.remove()
    }

    @Test("another mode")
    func otherMode() async throws {
        _ = try socket.add(InterfaceConfiguration(mode: .ip))
        #expect(try await refusal(InterfaceConfiguration()).reason.code == .modeMismatch)
    }

    @Test("a second slave, while the first goes on")
    func second() async throws {
        _ = try socket.add(InterfaceConfiguration())
        let first = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            handshakeTimeout: .seconds(120))
        let link = try await first.waitForLink(within: .seconds(30))
        #expect(try await refusal(InterfaceConfiguration()).reason.code == .alreadyConnected)
        #expect(link.isUp)
        first.remove()
    }

    @Test("more rings than the interface has room for")
    func tooManyRings() async throws {
        var few = InterfaceConfiguration()
        few.limits.queues = QueueCounts(pairs: 1)
        _ = try socket.add(few)
        var many = InterfaceConfiguration()
        many.queues = QueueCounts(pairs: 2)
        let end = try await refusal(many)
        #expect(
            end.reason
                == DisconnectReason(.limitExceeded, "more than 1 rings slave to master"))
    }

    @Test("a slave that is told to make no links ends its own with that reason, and no other")
    func slave() async throws {
        let master = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: .eager,
            handshakeTimeout: .seconds(120))
        _ = try await slave.waitForLink(within: .seconds(30))
        let reason = DisconnectReason(.administrative, "there is work on the uplink")
        var events = slave.events().makeAsyncIterator()
        slave.refuseSlaves(reason)
        // Its first event is the link; then its end, and an attempt after the other.
        var ends: [LinkEnd] = []
        while ends.count < 3, let event = await events.next() {
            switch event {
            case .up: #expect(ends.isEmpty)
            case .down(let end): ends.insert(end, at: 0)
            case .failed(let end, _): ends.append(end)
            }
        }
        #expect(ends == Array(repeating: LinkEnd(.local, reason), count: 3))
        try await eventually("the master is told") {
            master.lastEnd == LinkEnd(.peer, reason)
        }
        slave.admitSlaves()
        #expect(try await slave.waitForLink(within: .seconds(30)).isUp)
        slave.remove()
    }

    @Test("a peer whose user is not admitted")
    func credentials() async throws {
        var options = MasterSocket.Options()
        options.admits = { _ in false }
        let strict = try MasterSocket.listen(
            at: directory.address("strict.sock"), on: loop, options: options)
        let peer = try RawPeer(connectingTo: directory.address("strict.sock"))
        #expect(try await peer.receiveDisconnect()?.code == .notPermitted)
        strict.close()
    }

    @Test("silence in the handshake, and a crowd of silent peers")
    func silence() async throws {
        var options = MasterSocket.Options()
        options.handshakeTimeout = .seconds(1)
        options.mostPending = 3
        let strict = try MasterSocket.listen(
            at: directory.address("strict.sock"), on: loop, options: options)
        var peers: [RawPeer] = []
        for _ in 0..<4 {
            peers.append(try RawPeer(connectingTo: directory.address("strict.sock")))
        }
        #expect(try await peers[3].receiveDisconnect()?.code == .limitExceeded)
        for peer in peers[..<3] {
            #expect(try await peer.receiveDisconnect()?.code == .timedOut)
        }
        strict.close()
    }

    @Test("one user's crowd of silent peers, while other users come in")
    func share() async throws {
        var options = MasterSocket.Options()
        options.handshakeTimeout = .seconds(120)
        options.mostPendingPerUser = 2
        let strict = try MasterSocket.listen(
            at: directory.address("strict.sock"), on: loop, options: options)
        func connect(_ user: UInt32?) throws -> RawPeer {
            let peer = user.map { PeerCredentials(process: 1, user: $0, group: 1) }
            return RawPeer(try UnixSocket(adopting: strict.openChannel(for: peer)))
        }
        for user in [7, 8, 9] as [UInt32] {
            let admitted = [try connect(user), try connect(user)]
            for peer in admitted { try await peer.expect("HELLO") }
            let refused = try await connect(user).receiveDisconnect()
            #expect(refused?.code == .limitExceeded)
            #expect(
                refused?.text == "2 handshakes of user \(user) are going on, try again later")
        }
        strict.close()
    }

    @Test("an id that is taken")
    func takenID() throws {
        _ = try socket.add(InterfaceConfiguration(id: 4))
        let error = #expect(throws: MemifError.self) {
            try socket.add(InterfaceConfiguration(id: 4))
        }
        #expect(error?.code == .idInUse)
        socket.interface(id: 4)?.remove()
        _ = try socket.add(InterfaceConfiguration(id: 4))
    }
}

@Suite("Where a socket cannot be")
struct SocketPlaceTests {
    private func error(listeningAt path: String) throws -> MemifError? {
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        return #expect(throws: MemifError.self) {
            do {
                let address = try UnixAddress(path: path)
                _ = try MasterSocket.listen(at: address, on: loop)
            } catch let error as SystemError {
                throw MemifError(error)
            }
        }
    }

    @Test("a path over 107 bytes is refused and says how long it may be")
    func longPath() throws {
        let path = "/tmp/" + String(repeating: "x", count: 103)
        let error = try #require(try error(listeningAt: path))
        #expect(error.systemError?.code == ENAMETOOLONG)
        #expect(error.message.contains("108 bytes (at most 107)"))
    }

    @Test("a path of 107 bytes is not too long")
    func longestPath() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let name = String(repeating: "x", count: 107 - directory.path("").utf8.count)
        let socket = try MasterSocket.listen(at: directory.address(name), on: loop)
        #expect(FileManager.default.fileExists(atPath: directory.path(name)))
        socket.close()
        #expect(!FileManager.default.fileExists(atPath: directory.path(name)))
    }

    @Test("a directory that cannot be written is named")
    func unwritable() throws {
        // No file can be made in /proc, whoever asks.
        let path = "/proc/self/m.sock"
        let error = try #require(try error(listeningAt: path))
        #expect(error.code == .system)
        #expect(error.message.contains(path))
    }

    @Test("a directory that is not there is named")
    func absent() throws {
        let error = try #require(try error(listeningAt: "/nowhere/m.sock"))
        #expect(error.systemError?.code == ENOENT)
        #expect(error.message.contains("/nowhere/"))
    }

    @Test("a socket in use and a file that is none stay as they are; a stale socket is replaced")
    func occupied() throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let first = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        #expect(try error(listeningAt: directory.path("m.sock"))?.systemError?.code == EADDRINUSE)
        first.close()

        let file = directory.path("file")
        #expect(FileManager.default.createFile(atPath: file, contents: nil))
        #expect(try error(listeningAt: file)?.systemError?.code == EEXIST)

        let stale = try UnixListener.bind(to: directory.address("stale"), kind: .messages)
        _ = consume stale
        let again = try MasterSocket.listen(at: directory.address("stale"), on: loop)
        again.close()
    }

    @Test("an abstract socket needs no directory")
    func abstract() async throws {
        let name = "virtwire-test-\(UInt64.random(in: 0...UInt64.max))"
        let address = try UnixAddress(abstract: name)
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(at: address, on: loop)
        _ = try socket.add(InterfaceConfiguration())
        let slave = try MemifInterface.connect(
            to: address, InterfaceConfiguration(), on: loop, handshakeTimeout: .seconds(120))
        #expect(try await slave.waitForLink(within: .seconds(30)).isUp)
        slave.remove()
        socket.close()
    }
}

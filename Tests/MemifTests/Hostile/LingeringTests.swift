import Glibc
import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// Descriptors whose closing takes as long as their sender likes, wherever one can be passed.
///
/// What is passed lingers for an hour, or until the test lets it go: whatever is answered before that was
/// not held up. Each in a process of its own, for all peers are one user here.
@Suite("Descriptors that are hard to close", .timeLimit(.minutes(3)))
struct LingeringTests {
    @Test("of a slave hold up nobody, in whatever message they come")
    func slaves() async {
        await #expect(processExitsWith: .success) {
            for attack in SlaveTrap.allCases {
                let master = try AttackedMaster()
                let trap = try LingeringSocket()
                let slave = try master.slave()
                try await attack.prepare(slave)
                try await master.loop.hold {
                    try attack.play(slave, trap.rawValue)
                    trap.letGo()
                }
                if attack.isAnswered {
                    let reason = try await slave.peer.receiveDisconnect()
                    try #require(reason?.code == attack.code, "\(attack): \(reason as Any)")
                }
                try await Trap.check("\(attack)", trap, master.loop) {
                    let friend = try await Friend(master.socket, master.loop)
                    friend.end()
                }
                master.socket.close()
                master.loop.stop()
            }
        }
    }

    @Test("of a master hold up nobody either")
    func masters() async {
        await #expect(processExitsWith: .success) {
            for stage in RawMaster.Stage.allCases { try await Self.trap(stage) }
        }
    }

    private static func trap(_ stage: RawMaster.Stage) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        let hostile = try RawMaster(at: directory.address())
        let trap = try LingeringSocket()
        let victim = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
        let guest = try RawMaster.Guest(try await hostile.accept())
        try await guest.lead(to: stage)
        let message = stage == .accepted ? .hello(.init(name: "odd")) : ControlMessage.acknowledge
        try await loop.hold {
            try guest.peer.send(message, descriptors: [trap.rawValue])
            trap.letGo()
        }
        let reason = try await guest.peer.receiveDisconnect()
        try #require(reason?.code == .protocolViolation, "\(stage)")
        try await Trap.check("\(stage)", trap, loop) {
            let socket = try MasterSocket.listen(
                at: directory.address("friend.sock"), on: loop, options: .patient)
            let friend = try await Friend(socket, loop)
            friend.end()
            socket.close()
        }
        victim.remove()
        loop.stop()
    }

    @Test("hold up nobody either where there may be too few descriptors for them")
    func scarce() async {
        await #expect(processExitsWith: .success) { try await Self.scarce(isGone: false) }
        await #expect(processExitsWith: .success) { try await Self.scarce(isGone: true) }
    }

    /// - Parameter isGone: whether the peer closes behind its message, with one of ours unread, which the
    ///   master's next call on the socket is told as an error.
    private static func scarce(isGone: Bool) async throws {
        let master = try AttackedMaster()
        let trap = try LingeringSocket()
        var peer: RawPeer? = try RawPeer(connectingTo: master.directory.address())
        if !isGone { try await peer?.expect("HELLO") }
        try await eventually("it is let in") { !master.socket.connections.isEmpty }
        limitDescriptors(to: 400)
        var hoard = [try RawMemory(byteCount: 4096)]
        while DescriptorReserve.leavesRoom(beside: hoard[0].file, for: 16) {
            hoard.append(try RawMemory(byteCount: 4096))
        }
        // The last one, for which there is no number: the kernel would close it where it is received.
        var many = [Int32](repeating: hoard[0].file.rawValue, count: MessageSocket.mostDescriptors)
        many[many.count - 1] = trap.rawValue
        try await master.loop.hold {
            try peer?.send(
                .initialize(ControlMessage.Initialize(id: 0, name: "odd")), descriptors: many)
            trap.letGo()
            if isGone { peer = nil }
        }
        if let peer {
            let reason = try await peer.receiveDisconnect()
            try #require(reason?.code == .systemFailure, "\(reason as Any)")
        }
        try await Trap.check("too many", trap, master.loop) { await master.loop.turns(3) }
        master.socket.close()
        master.loop.stop()
        withExtendedLifetime(hoard) {}
    }

    @Test("keep their own user from another link once there are too many, and nobody else")
    func limit() async {
        await #expect(processExitsWith: .success) {
            let master = try AttackedMaster()
            let (hostile, other) = (Self.user(4711), Self.user(4712))
            let disposal = try Disposal(of: hostile.user, on: master.loop)
            let trap = try LingeringSocket(closedBy: disposal)
            trap.letGo()
            let file = try OwnedDescriptor.memoryFile(name: "many", byteCount: 4096)
                .closed(by: disposal)
            for _ in 1..<Disposal.mostPending { _ = try SharedMapping(file, byteCount: 4096) }
            _ = consume file
            let refused = RawPeer(
                try UnixSocket(adopting: master.socket.openChannel(for: hostile)))
            let reason = try #require(try await refused.receiveDisconnect())
            try #require(reason.code == .limitExceeded)
            let pending = Disposal.mostPending + 1
            try #require(
                reason.text
                    == "\(pending) descriptors and regions of user 4711 are still being closed, try again "
                    + "later")
            let admitted = RawPeer(
                try UnixSocket(adopting: master.socket.openChannel(for: other)))
            try await admitted.expect("HELLO")
            // Others need not wait for their turn to pass some.
            try await master.loop.hold {
                try RawPeer(UnixSocket(adopting: master.socket.openChannel(for: other))).pass()
            }
            try await Self.knock(master, as: hostile)
            // Whatever they did, nothing of it is left: the next ones would find no descriptor otherwise.
            try #require(disposal.pending == pending)
            // As soon as they are closed there is nothing against it.
            trap.spring()
            try await eventually("all is closed") { disposal.pending == 0 }
            let again = RawPeer(
                try UnixSocket(adopting: master.socket.openChannel(for: hostile)))
            try await again.expect("HELLO")
            master.socket.close()
            master.loop.stop()
        }
    }

    @Test("hold up nobody whose loop stops before a channel begins")
    func stopped() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let loop = try EventLoop.unattended()
            let socket = try MasterSocket.listen(at: directory.address(), on: loop)
            let trap = try LingeringSocket()
            let peer = RawPeer(try UnixSocket(adopting: socket.openChannel(for: nil)))
            try peer.send(.acknowledge, descriptors: [trap.rawValue])
            trap.letGo()
            loop.stop()
            try loop.runReady()
            try await Trap.check("a channel that has not begun", trap, loop) {}
            withExtendedLifetime(peer) { socket.close() }
        }
    }

    @Test("hold up nobody who leaves a link to a process that has gone")
    func abandoned() async {
        await #expect(processExitsWith: .success) {
            let master = try AttackedMaster()
            let trap = try LingeringSocket()
            let (slave, _) = try await master.connected()
            let frozen = try master.socket.freeze()
            try slave.peer.send(.acknowledge, descriptors: [trap.rawValue])
            trap.letGo()
            _ = consume frozen
            master.socket.abandon()
            try await Trap.check("a link of another process", trap, master.loop) {
                await master.loop.turns(3)
            }
            withExtendedLifetime(slave) { master.loop.stop() }
        }
    }

    /// Comes again and again, and passes a descriptor each time, before it is known who comes.
    private static func knock(_ master: AttackedMaster, as hostile: PeerCredentials) async throws {
        let channel = try UnixSocket.pair(.messages)
        channel.first.letPeerPassDescriptors(false)
        let canForbid = (try? RawPeer(channel.second).pass()) == nil
        for _ in 0..<20 {
            let peer = try await master.loop.hold {
                let peer = RawPeer(
                    try UnixSocket(adopting: master.socket.openChannel(for: hostile)))
                // A kernel that cannot forbid it is older than Linux 6.16.
                if canForbid { try #require((try? peer.pass()) == nil) }
                return peer
            }
            try #require(try await peer.receiveDisconnect()?.code == .limitExceeded)
        }
        // The same at the door, from the next on; and whoever may come in may pass them then.
        try await master.slave().peer.expect("HELLO")
        let slave = try await master.loop.hold {
            let slave = try master.slave()
            if canForbid { try #require((try? slave.peer.pass()) == nil) }
            return slave
        }
        try await slave.connect()
    }

    private static func user(_ number: UInt32) -> PeerCredentials {
        PeerCredentials(process: 1, user: number, group: number)
    }
}

extension RawPeer {
    /// Passes a descriptor in a message out of turn.
    fileprivate func pass() throws {
        let file = try OwnedDescriptor.memoryFile(name: "passed", byteCount: 4096)
        try send(.acknowledge, descriptors: [file.rawValue])
    }
}

private enum Trap {
    /// Has the attacked loop serve a friend while the trap holds whoever closes it.
    static func check(
        _ what: String, _ trap: LingeringSocket, _ loop: EventLoop,
        _ friend: () async throws -> Void
    ) async throws {
        let disposal = try Disposal(of: getuid(), on: loop)
        try await eventually("\(what) is being closed") { disposal.pending > 0 }
        try await friend()
        // Nothing of it has been closed yet; so nobody has waited for it.
        try #require(disposal.pending > 0, "\(what)")
        trap.spring()
        try await eventually("what came with \(what) is closed") { disposal.pending == 0 }
    }
}

/// A link that nobody attacks, from its beginning to its end.
private struct Friend {
    private let interfaces: [MemifInterface]

    init(_ socket: MasterSocket, _ loop: EventLoop) async throws {
        let configuration = InterfaceConfiguration(id: 1)
        let master = try socket.add(configuration)
        let slave = try socket.connect(configuration, handshakeTimeout: .seconds(120))
        _ = try await master.waitForLink(within: .seconds(60))
        _ = try await slave.waitForLink(within: .seconds(60))
        interfaces = [slave, master]
    }

    func end() {
        for interface in interfaces { interface.remove() }
    }
}

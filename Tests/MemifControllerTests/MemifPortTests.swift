import Glibc
import LinuxIO
import Logging
import Memif
import MemifTesting
import Synchronization
import Testing

@testable import MemifController

@Suite("Ports over memif")
struct MemifPortTests {
    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private let shutOff = Admission.closed(reason: "domain shut off")

    private func specification(
        _ scratch: Scratch, _ admission: Admission = .open,
        _ change: (inout PortDeclaration) -> Void = { _ in }
    ) -> PortSpecification {
        PortSpecification(
            vm: Sample.vm(1), domainName: "vm", declaration: Sample.port("a", change),
            path: "\(scratch.path)/a.sock", user: nil, group: nil, secret: nil, memory: 1 << 30,
            admission: admission)
    }

    private func slave(
        _ scratch: Scratch, id: UInt32 = 0, secret: String? = nil,
        pause: Duration = .milliseconds(10)
    ) throws -> MemifInterface {
        var configuration = InterfaceConfiguration(id: id)
        configuration.secret = try secret.map { try Secret($0) }
        return try MemifInterface.connect(
            to: UnixAddress(path: "\(scratch.path)/a.sock"), configuration,
            on: RealDaemon.loop.get(),
            reconnect: ReconnectPolicy(firstPause: pause, longestPause: pause))
    }

    /// An ARP request for an address, 42 bytes.
    private func arpRequest(for target: [UInt8]) -> [UInt8] {
        let mac: [UInt8] = [2, 0, 0, 0, 0, 1]
        return Array(repeating: 0xFF, count: 6) + mac + [8, 6]
            + [0, 1, 8, 0, 6, 4, 0, 1] + mac + [192, 0, 2, 2]
            + Array(repeating: 0, count: 6) + target
    }

    @Test("a closed port tells the slave why; an opened one serves it; closed again, it lets it go")
    func admission() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let port = try backend.open(specification(scratch, shutOff))
        let slave = try slave(scratch)
        #expect(await eventually { slave.lastEnd?.reason.text == "domain shut off" })
        #expect(slave.link == nil && !port.traffic.isLinkUp)

        port.setAdmission(.open)
        #expect(await eventually { port.traffic.isLinkUp && slave.link != nil })
        #expect(port.traffic.peer?.process == getpid())
        #expect(port.traffic.connects == 1)
        let link = try #require(slave.link)

        port.setAdmission(.closed(reason: "because"))
        #expect(await eventually { link.end?.reason.text == "because" })
        #expect(link.end?.cause == .peer)
        #expect(await eventually { port.traffic.lastDisconnect?.contains("because") == true })
        #expect(port.traffic.peer == nil)
    }

    @Test("who comes while a closed port is being opened is told why as well, and never served")
    func earlyComers() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let said = Mutex<Set<String>>([])
        let slave = try slave(scratch, pause: .milliseconds(1))
        slave.onEvent { event in
            switch event {
            case .up: said.withLock { _ = $0.insert("up") }
            case .down(let end), .failed(let end, _):
                guard end.cause == .peer else { return }
                said.withLock { _ = $0.insert(end.reason.text) }
            }
        }
        for _ in 0..<100 {
            said.withLock { $0 = [] }
            let port = try backend.open(specification(scratch, shutOff))
            #expect(await eventually { said.withLock { $0.contains("domain shut off") } })
            await port.close(reason: "domain shut off")
            // Who comes while the port goes is told that.
            let texts: Set = ["domain shut off", "the socket is being closed"]
            #expect(said.withLock { $0.isSubset(of: texts) })
        }
    }

    @Test("while another process may go on itself no port is opened beside those it has")
    func lent() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let inherited = InheritedPorts()
        backend.adopt(inherited)
        inherited.lend(true)
        let error = #expect(throws: PortError.self) {
            _ = try backend.open(specification(scratch))
        }
        #expect(error?.reason == "the process before does not have the port")
        #expect(try SocketFile.probe("\(scratch.path)/a.sock") == .absent)
        inherited.lend(false)
        let port = try backend.open(specification(scratch))
        let slave = try slave(scratch)
        #expect(await eventually { slave.link != nil && port.traffic.isLinkUp })
    }

    @Test("a responder answers ARP and counts; the counters outlive the link")
    func responder() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let port = try backend.open(
            specification(scratch) { port in
                port.attachment =
                    InterfaceAddress("192.0.2.1/24").map(PortAttachment.responder) ?? .none
            })
        let slave = try slave(scratch)
        let link = try await slave.waitForLink(within: .seconds(30))
        guard var sender = link.takeTransmitQueue(0), var receiver = link.takeReceiveQueue(0) else {
            Issue.record("the link has no queues")
            return
        }
        var frames = FrameBatch()
        frames.append(arpRequest(for: [192, 0, 2, 1]))
        frames.append(arpRequest(for: [192, 0, 2, 9]))
        #expect(try sender.transmitBurst(frames) == 2)
        var replies = FrameBatch()
        let answered = try await eventually { try receiver.receiveBurst(into: &replies) > 0 }
        #expect(answered)
        // The answer comes from, and is for, the right address; the other request gets none.
        #expect(replies.count == 1)
        #expect(Array(replies.bytes(of: 0)[28..<32]) == [192, 0, 2, 1])
        #expect(
            await eventually { port.traffic.receivedPackets == 2 && port.traffic.sentPackets == 1 })
        slave.remove()
        #expect(await eventually { !port.traffic.isLinkUp })
        #expect(port.traffic.receivedPackets == 2 && port.traffic.receivedBytes == 84)
        await port.close(reason: "done")
        #expect(try SocketFile.probe("\(scratch.path)/a.sock") == .absent)
    }

    @Test("while it is paused a port takes frames off the rings, drops and counts them")
    func paused() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let port = try backend.open(
            specification(scratch) { port in
                port.ringSize = 8
                port.attachment =
                    InterfaceAddress("192.0.2.1/24").map(PortAttachment.responder) ?? .none
            })
        let slave = try slave(scratch)
        let link = try await slave.waitForLink(within: .seconds(30))
        guard var sender = link.takeTransmitQueue(0), var receiver = link.takeReceiveQueue(0) else {
            Issue.record("the link has no queues")
            return
        }
        var frames = FrameBatch()
        frames.append(arpRequest(for: [192, 0, 2, 1]))
        port.setPaused(true)
        // More than the ring holds.
        for _ in 0..<100 {
            let sent = try await eventually { try sender.transmitBurst(frames) == 1 }
            #expect(sent)
        }
        #expect(await eventually { port.traffic.pausedPackets == 100 })
        #expect(port.traffic.receivedPackets == 100 && port.traffic.droppedPackets == 100)
        var replies = FrameBatch()
        #expect(try receiver.receiveBurst(into: &replies) == 0)

        port.setPaused(false)
        #expect(try sender.transmitBurst(frames) == 1)
        let answered = try await eventually { try receiver.receiveBurst(into: &replies) > 0 }
        #expect(answered)
        #expect(port.traffic.pausedPackets == 100 && port.traffic.sentPackets == 1)
    }

    @Test("id and secret have to be the port's")
    func identity() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        var wanted = specification(scratch) { $0.id = 7 }
        wanted.secret = PortSecret(present: Array("open sesame".utf8))
        let refused = Mutex<[PeerCredentials?]>([])
        backend.whenPeersCome { notice in
            if case .refused = notice.event { refused.withLock { $0.append(notice.peer) } }
        }
        let port = try backend.open(wanted)
        let stranger = try slave(scratch, id: 0, secret: "open sesame")
        #expect(await eventually { stranger.lastEnd?.reason.text.contains("id 0") == true })
        let ignorant = try slave(scratch, id: 7)
        #expect(await eventually { ignorant.lastEnd?.reason.text.contains("secret") == true })
        #expect(await eventually { !refused.withLock(\.isEmpty) })
        let who = refused.withLock(\.self)
        #expect(who.allSatisfy { $0?.process == getpid() && $0?.user == Accounts.currentUser })
        let friend = try slave(scratch, id: 7, secret: "open sesame")
        #expect(await eventually { friend.link != nil && port.traffic.isLinkUp })
    }

    @Test("while a secret changes both are right; then only the new one, and the link stands")
    func secretChange() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        var wanted = specification(scratch)
        let (old, new) = (Array("old".utf8), Array("new".utf8))
        wanted.secret = PortSecret(present: old)
        let port = try backend.open(wanted)
        let first = try slave(scratch, secret: "new")
        #expect(await eventually { first.lastEnd?.reason.text.contains("secret") == true })
        try port.acceptSecret(PortSecret(present: new, former: old))
        #expect(await eventually { first.link != nil && port.traffic.isLinkUp })
        first.remove()
        let second = try slave(scratch, secret: "old")
        #expect(await eventually { second.link != nil && port.traffic.isLinkUp })
        let link = try #require(second.link)
        try port.acceptSecret(PortSecret(present: new))
        #expect(link.isUp)
        link.disconnect(.init(.removed, "to come again"))
        #expect(await eventually { second.lastEnd?.reason.text.contains("wrong secret") == true })
        // One that begins in the midst of the change has both.
        let other = try Scratch()
        var between = specification(other)
        between.secret = PortSecret(present: new, former: old)
        let next = try backend.open(between)
        let late = try slave(other, secret: "old")
        #expect(await eventually { late.link != nil && next.traffic.isLinkUp })
    }

    @Test("a live server and another's file at the path are left alone; a dead socket is replaced")
    func places() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let path = "\(scratch.path)/a.sock"
        do {
            let other = try SocketFile.listen(at: path, kind: .messages, mode: 0o600)
            let error = #expect(throws: PortError.self) {
                _ = try backend.open(specification(scratch))
            }
            #expect(error?.reason == "another program listens at \(path)")
            _ = consume other
        }
        let port = try backend.open(specification(scratch))
        #expect(port.socketState() == .standing)
        try File.setMode(path, 0o600)
        #expect(port.socketState() == .altered)
        try port.place(specification(scratch))
        #expect(port.socketState() == .standing)
        // An owner that is named no longer has it no longer.
        try File.setOwner(path, user: 1, group: nil)
        #expect(port.socketState() == .altered)
        try port.place(specification(scratch))
        #expect(try FileStatus(path: path).user == Accounts.currentUser)
        #expect(port.socketState() == .standing)
        try File.remove(path)
        #expect(port.socketState() == .lost)
        try File.replace(path, with: [1])
        await port.close(reason: "done")
        #expect(try File.read(path, limit: 1) == [1])
        let error = #expect(throws: PortError.self) {
            _ = try backend.open(specification(scratch))
        }
        #expect(error?.reason == "something that is no socket stands at \(path)")
    }

    @Test("a directory that may not be written is told with what to do")
    func unwritable() throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        var lost = specification(scratch)
        lost.path = "\(scratch.path)/missing/a.sock"
        let error = #expect(throws: PortError.self) { _ = try backend.open(lost) }
        #expect(error?.reason.contains("No such file or directory") == true)
        #expect(error?.remedy.isEmpty == false)
    }

    @Test("testpmd's frames arrive and are counted, and it is told why it is let go")
    func testpmd() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let port = try backend.open(specification(scratch))
        var options = Testpmd.Options(.slave, path: "\(scratch.path)/a.sock")
        options.forwarding = .transmit
        options.arguments = []
        let peer = try await Testpmd(options)
        #expect(
            await eventually(within: .seconds(60)) { port.traffic.receivedPackets > 1000 },
            "\(peer.output)")
        #expect(port.traffic.peer?.name.contains("DPDK") == true)
        port.setAdmission(shutOff)
        #expect(await eventually { !port.traffic.isLinkUp })
        await peer.stop()
    }

    @Test("a socket file that was taken away is put back, and the link stands meanwhile")
    func lostFile() async throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let specification = specification(scratch)
        let port = try backend.open(specification)
        let slave = try slave(scratch)
        #expect(await eventually { slave.link != nil && port.traffic.isLinkUp })
        let link = try #require(slave.link)
        try File.remove(specification.path)
        #expect(port.socketState() == .lost)
        try port.place(specification)
        #expect(port.socketState() == .standing)
        #expect(try SocketFile.probe(specification.path) == .live)
        #expect(link.isUp && port.traffic.isLinkUp && port.traffic.connects == 1)
        // The new file leads to the port: it serves one peer, and says so to a second.
        let second = try self.slave(scratch)
        #expect(await eventually { second.lastEnd != nil })
        #expect(link.isUp)

        // Another's file in the place stays, and costs the link nothing either.
        try File.remove(specification.path)
        try File.replace(specification.path, with: [1])
        #expect(throws: PortError.self) { try port.place(specification) }
        #expect(try File.read(specification.path, limit: 1) == [1])
        #expect(link.isUp)
        await port.close(reason: "test over")
        #expect(try File.read(specification.path, limit: 1) == [1])
    }

    @Test("what the socket's owner puts in its place keeps its own mode and owner")
    func placeFollowsNoLink() throws {
        let scratch = try Scratch()
        let backend = try MemifPortBackend(logger: logger)
        let specification = specification(scratch)
        let port = try backend.open(specification)
        let victim = "\(scratch.path)/victim"
        try File.replace(victim, with: [1], mode: 0o600)
        try File.remove(specification.path)
        #expect(unsafe symlink(victim, specification.path) == 0)
        #expect(throws: PortError.self) { try port.place(specification) }
        #expect(try FileStatus(path: victim).permissions == 0o600)
        try File.remove(specification.path)
        #expect(unsafe link(victim, specification.path) == 0)
        #expect(throws: PortError.self) { try port.place(specification) }
        #expect(try FileStatus(path: victim).permissions == 0o600)
    }
}

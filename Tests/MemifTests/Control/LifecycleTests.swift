import LinuxIO
import Memif
import MemifTesting
import Synchronization
import Testing

@Suite("Links come and go", .serialized)
struct LifecycleTests {
    @Test("both ends learn who the other is")
    func terms() async throws {
        let pair = try await LinkPair {
            $0.id = 7
            $0.name = "lan0"
        }
        #expect(pair.slave.terms.peerName == "virtwire")
        #expect(pair.slave.terms.peerInterfaceName == "lan0")
        #expect(pair.master.terms.peerName == "lan0")
        #expect(pair.master.terms.id == 7)
        #expect(pair.master.peer?.process == pair.slave.peer?.process)
        #expect(pair.master.role == .master)
        #expect(pair.slave.role == .slave)
        #expect(pair.master.isUp)
        #expect(pair.masterInterface.link === pair.master)
    }

    @Test("the reason of the end that disconnects reaches the other", arguments: MemifRole.allCases)
    func reasons(_ role: MemifRole) async throws {
        let pair = try await LinkPair()
        let (near, far) =
            role == .master ? (pair.master, pair.slave) : (pair.slave, pair.master)
        let reason = DisconnectReason(.administrative, "moved elsewhere")
        near.disconnect(reason)
        #expect(near.end == LinkEnd(.local, reason))
        try await eventually("the other end knows") { far.end != nil }
        #expect(far.end == LinkEnd(.peer, reason))
    }

    @Test("a slave connects again, with a new link, and the master takes it back")
    func reconnect() async throws {
        let pair = try await LinkPair()
        pair.masterInterface.disconnect(DisconnectReason(.administrative, "try again"))
        try await eventually("there is a new link") {
            guard let link = pair.masterInterface.link else { return false }
            return link !== pair.master && pair.slaveInterface.link?.isUp == true
        }
        #expect(pair.slaveInterface.link !== pair.slave)
    }

    @Test("another listener takes the first one's place, and the link stands meanwhile")
    func anotherListener() async throws {
        let pair = try await LinkPair()
        let address = try pair.directory.address("other.sock")
        try pair.socket.replaceListener(UnixListener.bind(to: address, kind: .messages))
        var second = InterfaceConfiguration()
        second.id = 1
        _ = try pair.socket.add(second)
        let slave = try MemifInterface.connect(
            to: address, second, on: pair.loop, handshakeTimeout: .seconds(120))
        _ = try await slave.waitForLink(within: .seconds(30))
        #expect(pair.master.isUp && pair.slave.isUp)
        #expect(try SocketFile.probe(pair.directory.path("m.sock")) == .stale)
        slave.remove()

        pair.socket.close()
        let late = try UnixListener.bind(to: pair.directory.address("late.sock"), kind: .messages)
        do throws(MemifError) {
            try pair.socket.replaceListener(late)
            Issue.record("a closed socket listens again")
        } catch {
            #expect(error.code == .closed)
        }
    }

    @Test("a slave waits for its master, and says meanwhile why it has to")
    func masterComesLate() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let interface = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            reconnect: ReconnectPolicy(firstPause: .milliseconds(5)),
            handshakeTimeout: .seconds(120))
        try await eventually("an attempt has failed") { interface.lastEnd != nil }
        #expect(interface.lastEnd?.cause == .system)
        let error = await #expect(throws: MemifError.self) {
            try await interface.waitForLink(within: .milliseconds(20))
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains(directory.path("m.sock")) == true)
        let socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        _ = try socket.add(InterfaceConfiguration())
        _ = try await interface.waitForLink(within: .seconds(30))
        interface.remove()
        socket.close()
    }

    @Test("events come in order, and the first is the link that is there already")
    func events() async throws {
        let pair = try await LinkPair()
        let called = Mutex<[String]>([])
        pair.masterInterface.onEvent { event in
            switch event {
            case .up: called.withLock { $0.append("up") }
            case .down: called.withLock { $0.append("down") }
            case .failed: called.withLock { $0.append("failed") }
            }
        }
        var iterator = pair.masterInterface.events().makeAsyncIterator()
        guard case .up(let link) = await iterator.next() else {
            Issue.record("no link at first")
            return
        }
        #expect(link === pair.master)
        pair.slaveInterface.remove(DisconnectReason(.removed, "over"))
        guard case .down(let end) = await iterator.next() else {
            Issue.record("no end")
            return
        }
        #expect(end == LinkEnd(.peer, DisconnectReason(.removed, "over")))
        try await eventually("the callback has run") { called.withLock { $0 == ["up", "down"] } }
    }

    @Test("who comes after the only attempt has failed is told of it")
    func late() async throws {
        let loop = try EventLoop.start(name: "memif")
        let directory = try TemporaryDirectory()
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil)
        try await eventually("the attempt has failed") { slave.lastEnd != nil }
        var events = slave.events().makeAsyncIterator()
        guard case .failed(let end, _) = await events.next() else {
            Issue.record("the first event is not the failure")
            return
        }
        #expect(end.cause == .system)
        loop.stop()
    }

    @Test("one socket has many interfaces, told apart by id and secret")
    func manyInterfaces() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let socket = try MasterSocket.listen(
            at: directory.address(), on: loop, options: .patient)
        var slaves: [MemifInterface] = []
        for id in 0..<20 as Range<UInt32> {
            let secret = try Secret("key \(id)")
            let configuration = InterfaceConfiguration(id: id, name: "port\(id)", secret: secret)
            _ = try socket.add(configuration)
            slaves.append(
                try MemifInterface.connect(
                    to: directory.address(), configuration, on: loop,
                    handshakeTimeout: .seconds(120)))
        }
        var links: [MemifLink] = []
        for (id, slave) in slaves.enumerated() {
            links.append(try await slave.waitForLink(within: .seconds(30)))
            #expect(links[id].terms.peerInterfaceName == "port\(id)")
        }
        try await eventually("the master has all") {
            socket.interfaces.allSatisfy { $0.link != nil }
        }
        #expect(socket.interfaces.map(\.configuration.id) == Array(0..<20))
        // One leaves, the others stay.
        socket.interface(id: 3)?.remove()
        try await eventually("the slave knows") { slaves[3].lastEnd != nil }
        #expect(slaves.indices.allSatisfy { $0 == 3 || slaves[$0].link?.isUp == true })
        // The end of the socket is told to all of them.
        let reason = DisconnectReason(.removed, "closing")
        socket.close(reason)
        try await eventually("all slaves know") { links.allSatisfy { $0.end != nil } }
        #expect(links.indices.allSatisfy { $0 == 3 || links[$0].end == LinkEnd(.peer, reason) })
        for slave in slaves { slave.remove() }
    }

    @Test("queues of a dead link say so, after what was sent before its end")
    func deadQueues() async throws {
        let pair = try await LinkPair()
        var sender = try unwrap(pair.slave.takeTransmitQueue(0))
        var receiver = try unwrap(pair.master.takeReceiveQueue(0))
        var batch = FrameBatch()
        for _ in 0..<10 { batch.append([UInt8](repeating: 3, count: 60)) }
        expectEqual(try sender.transmitBurst(batch), 10)
        let reason = DisconnectReason(.removed, "bye")
        pair.slaveInterface.remove(reason)
        do throws(LinkEnd) {
            _ = try sender.transmitBurst(batch)
            Issue.record("a dead link took frames")
        } catch {
            #expect(error == LinkEnd(.local, reason))
        }
        try await eventually("the master knows") { !pair.master.isUp }
        expectEqual(try receiver.receiveBurst(into: &batch), 10)
        do throws(LinkEnd) {
            _ = try receiver.receiveBurst(into: &batch)
            Issue.record("a dead link gave more frames")
        } catch {
            #expect(error == LinkEnd(.peer, reason))
        }
        expectEqual(pair.master.takeTransmitQueue(0).isNil, true)
    }

    @Test("a sleeping receiver is woken by the end of its link", arguments: MemifRole.allCases)
    func wokenByEnd(_ role: MemifRole) async throws {
        let pair = try await LinkPair()
        let link = role == .master ? pair.master : pair.slave
        let isTaken = Flag()
        async let end: LinkEnd? = onThread {
            guard var receiver = link.takeReceiveQueue(0, mode: .interrupt) else { return nil }
            isTaken.raise()
            var batch = FrameBatch()
            do throws(LinkEnd) {
                while true {
                    _ = receiver.waitForFrames()
                    _ = try receiver.receiveBurst(into: &batch)
                }
            } catch {
                return error
            }
        }
        try await eventually("the queue is taken") { isTaken.isRaised }
        pair.socket.close(DisconnectReason(.removed, "closing"))
        let reason = try #require(try await end).reason
        #expect(reason == DisconnectReason(.removed, "closing"))
    }
}

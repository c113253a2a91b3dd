import Foundation
import LinuxIO
import Memif
import MemifTesting
import Testing

/// Peers that are slow, silent or too many.
@Suite("Peers that hold things up")
struct SlownessTests {
    @Test("a master that says nothing is given up on, and told")
    func silentMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil,
            handshakeTimeout: .milliseconds(50))
        let peer = try await master.accept()
        #expect(try await peer.receiveDisconnect()?.code == .timedOut)
        try await eventually("the slave knows") { slave.lastEnd?.cause == .timedOut }
    }

    @Test(
        "a master that stops in the midst of it is given up on", arguments: RawMaster.Stage.allCases
    )
    func stoppedMaster(_ stage: RawMaster.Stage) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil,
            handshakeTimeout: .seconds(1))
        let guest = try RawMaster.Guest(try await master.accept())
        try await guest.lead(to: stage)
        if stage == .linked {
            // The handshake's deadline is no link's.
            let link = try await slave.waitForLink(within: .seconds(30))
            try await Task.sleep(for: .milliseconds(1200))
            #expect(link.isUp)
        } else {
            #expect(try await guest.peer.receiveDisconnect()?.code == .timedOut)
        }
        slave.remove()
    }

    @Test("a slave that announces all it can and reads nothing waits, and is served once it reads")
    func unread() async throws {
        let master = try AttackedMaster { $0.limits.queues = QueueCounts(pairs: 256) }
        let slave = try master.slave {
            $0.log2Size = 1
            $0.bufferSize = 65_536
        }
        try slave.peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "mute")))
        let region = ControlMessage.AddRegion(index: 0, byteCount: UInt64(slave.memory.byteCount))
        try slave.peer.send(.addRegion(region), descriptors: [slave.memory.file.rawValue])
        var rest: [ControlMessage] = []
        for index in 0..<512 as Range<UInt16> {
            slave.memory[long: Int(index) * 192] = MemifProtocol.cookie
            rest.append(
                .addRing(
                    ControlMessage.AddRing(
                        direction: index < 256 ? .slaveToMaster : .masterToSlave,
                        index: index % 256, region: 0, offset: UInt32(index) * 192, log2Size: 1)))
        }
        rest.append(.connect(interfaceName: "mute"))
        let eventfd = slave.sendingInterrupt.descriptor.rawValue
        for message in rest {
            let descriptors = message.descriptorCount == 1 ? [eventfd] : []
            // The socket holds about half of them: what the master has yet to read, or leaves unread.
            try await eventually("there is room for \(message.name)") {
                (try? slave.peer.send(message, descriptors: descriptors)) != nil
            }
        }
        // Its answers fill the socket: the master takes nothing more until they are read.
        try await Task.sleep(for: .milliseconds(50))
        #expect(master.interface.link == nil)
        var heard: [String] = []
        while heard.last != "CONNECTED" {
            heard.append(try unwrap(try await slave.peer.receive()).message.name)
        }
        #expect(heard.count == 1 + 514 + 1)
        let link = try await master.interface.waitForLink(within: .seconds(60))
        #expect(link.receiveQueueCount == 256)
        #expect(link.transmitQueueCount == 256)
    }

    @Test("a master that acknowledges all ahead and reads nothing is waited for until it reads")
    func unreadByMaster() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address())
        var configuration = InterfaceConfiguration()
        configuration.queues = QueueCounts(pairs: 256)
        configuration.ringSize = 2
        configuration.bufferSize = 64
        let slave = try MemifInterface.connect(
            to: directory.address(), configuration, on: loop, reconnect: nil,
            handshakeTimeout: .seconds(120))
        let guest = try RawMaster.Guest(try await master.accept())
        try await guest.lead(to: .initialized)
        // INIT, a region and 512 rings.
        for number in 1...514 {
            try await eventually("there is room for ACK \(number)") {
                (try? guest.peer.send(.acknowledge)) != nil
            }
        }
        try await eventually("there is room for CONNECTED") {
            (try? guest.peer.send(.connected(interfaceName: "mute"))) != nil
        }
        // The slave's messages fill the socket: it takes nothing more until they are read.
        await loop.turns(50)
        #expect(slave.link == nil)
        var heard: [String] = []
        while heard.last != "CONNECT" {
            heard.append(try unwrap(try await guest.peer.receive()).message.name)
        }
        #expect(heard == ["ADD_REGION"] + Array(repeating: "ADD_RING", count: 512) + ["CONNECT"])
        let link = try await slave.waitForLink(within: .seconds(60))
        #expect(link.receiveQueueCount == 256)
        slave.remove()
    }

    @Test("a listener whose queue is full is tried again")
    func fullBacklog() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let master = try RawMaster(at: directory.address(), backlog: 0)
        let crowd = try RawPeer(connectingTo: directory.address())
        let slave = try MemifInterface.connect(
            to: directory.address(), InterfaceConfiguration(), on: loop,
            reconnect: ReconnectPolicy(
                firstPause: .milliseconds(1), longestPause: .milliseconds(5)),
            handshakeTimeout: .seconds(120))
        try await eventually("the slave was sent away") { slave.lastEnd?.cause == .system }
        _ = try await master.accept()
        let guest = try RawMaster.Guest(try await master.accept())
        try await guest.lead(to: .linked)
        _ = try await slave.waitForLink(within: .seconds(30))
        withExtendedLifetime(crowd) { slave.remove() }
    }

    @Test("who shows wrong secrets is slowed down, and the right one is heard again after")
    func guesses() async throws {
        let secret = try Secret("open sesame")
        var options = MasterSocket.Options.patient
        options.mostWrongSecrets = 5
        options.wrongSecretPause = .seconds(1)
        let master = try AttackedMaster(options: options) { $0.secret = secret }
        var reason: DisconnectReason?
        var guesses = 0
        repeat {
            let peer = try RawPeer(connectingTo: master.directory.address())
            try await peer.expect("HELLO")
            let wrong = try Secret("open sesam\(guesses)")
            try peer.send(
                .initialize(ControlMessage.Initialize(id: 0, secret: wrong, name: "")))
            reason = try await peer.receiveDisconnect()
            guesses += 1
            if guesses <= 5 { try #require(reason?.code == .wrongSecret) }
        } while reason?.code == .wrongSecret && guesses < 1000
        #expect(
            reason?.text
                == "user \(getuid()) has shown 5 wrong secrets and must wait 1.0 seconds")
        #expect(master.socket.refusals.count == guesses)
        #expect(master.interface.lastEnd?.reason == reason)
        // The right one is not looked at either, but soon.
        var configuration = InterfaceConfiguration()
        configuration.secret = secret
        let slave = try MemifInterface.connect(
            to: master.directory.address(), configuration, on: master.loop,
            handshakeTimeout: .seconds(120))
        let link = try await master.interface.waitForLink(within: .seconds(30))
        #expect(link.isUp)
        slave.remove()
    }

    @Test("in an abstract socket, which any process may reach, the peers' users are looked at")
    func abstract() async throws {
        let address = try UnixAddress(
            abstract: "virtwire-test-\(UInt64.random(in: 0...UInt64.max))")
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        var options = MasterSocket.Options()
        options.admits = { $0.user == getuid() + 1 }
        let socket = try MasterSocket.listen(at: address, on: loop, options: options)
        let peer = try RawPeer(connectingTo: address)
        #expect(
            try await peer.receiveDisconnect()
                == DisconnectReason(.notPermitted, "user \(getuid()) is not admitted"))
        socket.close()
    }

    /// In a process of its own, whose descriptors run out.
    @Test("when descriptors run out, who waits is served as soon as there are some again")
    func noDescriptors() async {
        await #expect(processExitsWith: .success) {
            let scene = try await AttackScene(.master)
            async let traffic = scene.neighbour.run()
            do {
                try await Self.exhaust(scene)
            } catch {
                Issue.record("\(error)")
            }
            scene.neighbour.stop()
            let result = try await traffic
            #expect(result.received == result.sent)
            scene.end()
        }
    }

    private static func exhaust(_ scene: AttackScene) async throws {
        var hoard: [RawMemory] = []
        limitDescriptors(to: 200)
        while hoard.last.map({ DescriptorReserve.leavesRoom(beside: $0.file) }) ?? true {
            hoard.append(try RawMemory(byteCount: 4096))
        }
        let late = try RawPeer(connectingTo: scene.address())
        scene.neighbour.rest(true)
        try await Task.sleep(for: .milliseconds(5))
        let (start, before) = (ContinuousClock.now, processTime)
        try await Task.sleep(for: .milliseconds(100))
        let share = (processTime - before) / (ContinuousClock.now - start).seconds
        if share > 0.5 { throw AttackFailure("\(share) of a processor while nobody is served") }
        scene.neighbour.rest(false)
        hoard = []
        try await late.expect("HELLO")
    }

    /// The process's own time on the processors, in seconds. Asking for it takes no descriptor.
    private static var processTime: Double {
        var usage = rusage()
        // SAFETY: the call fills the structure, which outlives it.
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }
}

import LinuxIO
import Testing

@testable import Memif

/// An end that comes while something else is going on, on another thread; here it came just before.
@Suite("An end comes at any moment", .serialized)
struct EndTests {
    static let end = LinkEnd(.local, DisconnectReason(.administrative, "no slaves for now"))

    /// A connection of each role with nobody at the other end, and their interfaces.
    struct Scene {
        let loop: EventLoop
        let socket: MasterSocket
        let master: MasterConnection
        let masterInterface: MemifInterface
        let slave: SlaveConnection
        let slaveInterface: MemifInterface

        init(_ directory: TemporaryDirectory) throws {
            loop = try EventLoop.start(name: "memif")
            socket = try MasterSocket.listen(at: directory.address(), on: loop)
            masterInterface = try socket.add(InterfaceConfiguration())
            let pair = try UnixSocket.pair(.messages)
            master = try MasterConnection(
                id: 1, UnixSocket(adopting: pair.first.descriptor.duplicate()), peer: nil,
                disposal: Disposal(of: nil, on: loop),
                socket: socket, loop: loop)
            let configuration = InterfaceConfiguration()
            let geometry = try configuration.slaveGeometry()
            let connector = SlaveConnector(
                nil, configuration: configuration, geometry: geometry, policy: nil,
                handshakeTimeout: .seconds(120), admits: nil, loop: loop)
            slaveInterface = MemifInterface(
                role: .slave, configuration: configuration, loop: loop
            ) { _ in }
            connector.setInterface(slaveInterface)
            slave = try SlaveConnection(
                UnixSocket(adopting: pair.second.descriptor.duplicate()), peer: nil,
                disposal: Disposal(of: nil, on: loop),
                connector: connector, configuration: configuration, geometry: geometry, loop: loop)
        }

        /// A link that a handshake has just led to.
        func makeLink() throws -> MemifLink {
            let configuration = InterfaceConfiguration()
            let geometry = try configuration.slaveGeometry()
            let terms = LinkTerms(
                id: 0, mode: .ethernet, peerName: "", peerInterfaceName: "", layout: .lines64,
                rings: geometry.rings)
            return MemifLink(
                memory: try LinkMemory.makeSlave(geometry, name: "end"), terms: terms,
                configuration: configuration, peer: nil)
        }

        func close() {
            socket.close()
            loop.stop()
        }
    }

    @Test("an interface is free when its connection ended before it could hold it")
    func holding() throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(directory)
        defer { scene.close() }
        scene.master.finish(Self.end)
        do throws(LinkEnd) {
            try scene.master.hold(scene.masterInterface)
            Issue.record("a connection that is over holds an interface")
        } catch {
            #expect(error == Self.end)
        }
        #expect(!scene.masterInterface.isOccupied)
    }

    @Test("a link whose connection is over never comes up", arguments: MemifRole.allCases)
    func link(_ role: MemifRole) throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(directory)
        defer { scene.close() }
        let interface = role == .master ? scene.masterInterface : scene.slaveInterface
        let link = try scene.makeLink()
        switch role {
        case .master:
            try scene.master.hold(interface)
            scene.master.finish(Self.end)
            // Another holds it by now.
            #expect(interface.occupy { _ in })
            scene.master.linkIsUp(link, of: interface)
        case .slave:
            scene.slave.finish(Self.end)
            #expect(interface.occupy { _ in })
            scene.slave.linkIsUp(link)
        }
        #expect(link.end == Self.end)
        #expect(link.memory == nil)
        #expect(interface.link == nil)
    }

    @Test("a link that ended is not the link of whoever holds the interface next")
    func laterLink() throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(directory)
        defer { scene.close() }
        let link = try scene.makeLink()
        link.disconnect(Self.end.reason)
        #expect(scene.masterInterface.occupy { _ in })
        #expect(!scene.masterInterface.linkIsUp(link))
        #expect(scene.masterInterface.link == nil)
    }

    @Test(
        "events end when the interface is removed, alone or with its socket, also for who comes late"
    )
    func events() async throws {
        for isWhole in [false, true] {
            let pair = try await LinkPair()
            let events = pair.masterInterface.events()
            if isWhole { pair.socket.close() } else { pair.masterInterface.remove() }
            var seen: [String] = []
            for await event in events { seen.append(Self.name(event)) }
            #expect(seen == ["up", "down"])
            for await event in pair.masterInterface.events() { seen.append(Self.name(event)) }
            #expect(seen == ["up", "down", "down"])
        }
    }

    @Test("removed twice, and while it is being removed, an interface tells its end all the same")
    func removedTwice() async throws {
        let pair = try await LinkPair()
        let events = pair.masterInterface.events()
        // The loop is held up, so that what the two removals tell waits for it.
        let mayGoOn = Flag()
        pair.loop.submit { while !mayGoOn.isRaised { Thread.pause() } }
        pair.masterInterface.remove()
        pair.masterInterface.remove()
        mayGoOn.raise()
        var seen: [String] = []
        for await event in events { seen.append(Self.name(event)) }
        #expect(seen == ["up", "down"])

        let directory = try TemporaryDirectory()
        let scene = try Scene(directory)
        defer { scene.close() }
        let interface = scene.masterInterface
        let later = interface.events()
        let (isEnding, mayEnd) = (Flag(), Flag())
        let isHolding = interface.occupy { [weak interface] end in
            // As a connection's end: the first call counts, and takes its time.
            guard !isEnding.isRaised else { return }
            isEnding.raise()
            while !mayEnd.isRaised { Thread.pause() }
            interface?.vacate(end)
        }
        #expect(isHolding)
        async let first: Void = onThread { interface.remove() }
        try await eventually("the first removal has begun") { isEnding.isRaised }
        interface.remove()
        mayEnd.raise()
        try await first
        seen = []
        for await event in later { seen.append(Self.name(event)) }
        #expect(seen == ["failed"])
    }

    private static func name(_ event: LinkEvent) -> String {
        switch event {
        case .up: "up"
        case .down: "down"
        case .failed: "failed"
        }
    }

    @Test("events end with the loop, and when nobody holds the interface any more")
    func lastEvents() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        let socket = try MasterSocket.listen(at: directory.address(), on: loop)
        let interface = try socket.add(InterfaceConfiguration())
        let events = interface.events()
        loop.stop()
        socket.close()
        for await event in events { Issue.record("an event: \(event)") }
        for await event in interface.events() { Issue.record("an event: \(event)") }

        let other = try EventLoop.start(name: "memif")
        defer { other.stop() }
        var slave: MemifInterface? = try MemifInterface.connect(
            to: directory.address("nobody"), InterfaceConfiguration(), on: other)
        let ignored = slave?.events()
        slave = nil
        for await _ in try unwrap(ignored) {}
    }

    @Test("who waits for a link learns that there will be none")
    func waiting() async throws {
        let directory = try TemporaryDirectory()
        let scene = try Scene(directory)
        defer { scene.close() }
        let waiter = Task { [interface = scene.masterInterface] in
            try await interface.waitForLink()
        }
        scene.masterInterface.remove()
        let error = await #expect(throws: MemifError.self) { _ = try await waiter.value }
        #expect(error?.code == .closed)

        let slave = try MemifInterface.connect(
            to: directory.address("nobody"), InterfaceConfiguration(), on: scene.loop,
            reconnect: nil)
        let failure = await #expect(throws: MemifError.self) { _ = try await slave.waitForLink() }
        #expect(failure?.code == .closed)
        #expect(failure?.message.contains("No such file") == true, "\(failure as Any)")
        #expect(slave.lastEnd?.systemError?.code == 2)
    }
}

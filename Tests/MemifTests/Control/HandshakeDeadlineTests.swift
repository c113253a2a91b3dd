import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// Whose time it is that passes in a handshake.
@Suite("The handshake's deadline")
struct HandshakeDeadlineTests {
    typealias Allowance = HandshakeDeadline.Allowance

    @Test("counts the steps in which the peer is silent, and in all a few times as many")
    func allowance() {
        /// How many of so many steps it goes on for.
        func passes(_ allowance: inout Allowance, _ steps: Int, isOurs: Bool = false) -> Int {
            (0..<steps).prefix { _ in allowance.pass(isOurs: isOurs) }.count
        }
        var silent = Allowance()
        let left = Allowance.steps - 1
        #expect(passes(&silent, left) == left)
        // Ours do not count, nor do those in which it says something.
        #expect(passes(&silent, 1000, isOurs: true) == 1000)
        var spoken = silent
        #expect(passes(&silent, 1) == 0)
        spoken.hear()
        #expect(passes(&spoken, 1000) == 1 + left)

        var talkative = Allowance()
        var steps = 0
        for _ in 0..<1000 {
            talkative.hear()
            steps += passes(&talkative, 1)
        }
        #expect(steps == 1000)
        // Nine in ten are silent.
        repeat {
            talkative.hear()
            steps = passes(&talkative, 10)
        } while steps == 10
        #expect(steps < 10)
        #expect(Allowance.mostTimeouts > 1)
    }

    @Test("is not the peer's fault on a host that comes to nothing for longer than it is")
    func slowHost() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.unattended()
        var options = MasterSocket.Options.patient
        options.handshakeTimeout = .milliseconds(20)
        let socket = try MasterSocket.listen(at: directory.address(), on: loop, options: options)
        let master = try socket.add(InterfaceConfiguration())
        let slave = try RawSlave(to: directory.address())
        func stall() async throws {
            try await Task.sleep(for: .milliseconds(60))
            try loop.runReady()
        }
        try await stall()
        try await slave.peer.expect("HELLO")
        let region = ControlMessage.AddRegion(index: 0, byteCount: UInt64(slave.memory.byteCount))
        let eventfd = slave.sendingInterrupt.descriptor.rawValue
        var messages: [(ControlMessage, [Int32])] = [
            (.initialize(ControlMessage.Initialize(id: 0, name: "slow")), []),
            (.addRegion(region), [slave.memory.file.rawValue]),
        ]
        messages += slave.announcements.map { (.addRing($0), [eventfd]) }
        for (message, descriptors) in messages {
            try slave.peer.send(message, descriptors: descriptors)
            try await stall()
            try await slave.peer.expect("ACK")
        }
        try slave.peer.send(.connect(interfaceName: "slow"))
        try await stall()
        try await slave.peer.expect("CONNECTED")
        // No deadline is left behind.
        for _ in 0..<30 { try await stall() }
        #expect(master.link?.isUp == true)
        socket.close()
        loop.stop()
        try loop.runReady()
    }

    @Test("ends a slave that says something now and then")
    func dawdler() async throws {
        var options = MasterSocket.Options.patient
        options.handshakeTimeout = .milliseconds(500)
        let master = try AttackedMaster(options: options)
        let slave = try master.slave()
        try slave.peer.send(.initialize(ControlMessage.Initialize(id: 0, name: "dawdler")))
        var count = 0
        for index in 0..<100 as Range<UInt16> where master.socket.refusals.count == 0 {
            let region = ControlMessage.AddRegion(index: index, byteCount: 4096)
            _ = try? slave.peer.send(.addRegion(region), descriptors: [slave.memory.file.rawValue])
            count += 1
            try await Task.sleep(for: .milliseconds(300))
        }
        #expect(count < 100)
        let reason = try await slave.peer.receiveDisconnect()
        #expect(reason?.code == .timedOut)
        #expect(reason?.text == "the peer kept the handshake waiting for 0.5 seconds")
        #expect(master.interface.link == nil)
    }
}

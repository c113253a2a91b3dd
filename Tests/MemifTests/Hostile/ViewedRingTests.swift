import LinuxIO
import Memif
import MemifTesting
import Testing

/// The attacks through the rings once more, on a victim that receives in place.
@Suite("Attacks on frames in place", .timeLimit(.minutes(4)))
struct ViewedRingTests {
    @Test("end as those on copies do, and touch nothing beyond", arguments: MemifRole.allCases)
    func attacks(_ role: MemifRole) async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        defer { loop.stop() }
        let address = try directory.address()
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 16
        configuration.longestFrame = 20_000
        switch role {
        case .master:
            let socket = try MasterSocket.listen(at: address, on: loop, options: .patient)
            let victim = try socket.add(configuration)
            for attack in RingAttack.all(on: role) {
                let slave = try RawSlave(to: address)
                try await slave.connect()
                try await Self.play(attack, HostileEnd(slave), victim)
            }
            socket.close()
        case .slave:
            let master = try RawMaster(at: address)
            let victim = try MemifInterface.connect(
                to: address, configuration, on: loop, reconnect: .eager,
                handshakeTimeout: .seconds(120))
            for attack in RingAttack.all(on: role) {
                try await Self.play(attack, HostileEnd(try await master.connect()), victim)
            }
            victim.remove()
        }
    }

    private static func play(
        _ attack: RingAttack, _ end: HostileEnd, _ victim: MemifInterface
    ) async throws {
        let link = try await victim.waitForLink(within: .seconds(30))
        let isServed = Flag()
        async let served: Void = onThread { try serve(link, isServed) }
        // However this ends, so that the thread ends too.
        defer { end.peer.hangUp() }
        // An attack on a link that nobody serves yet may end it before its queues are taken.
        try await eventually("the queues are taken") { isServed.isRaised }
        try await end.awaitConsumed(0)
        do {
            try await attack.play(end)
        } catch {
            Issue.record("\(attack): \(error)")
        }
        if case .refusal(let text) = attack.answer {
            let reason = try await end.peer.receiveDisconnect()
            #expect(reason?.code == .protocolViolation, "\(attack)")
            #expect(reason?.text.contains(text) == true, "\(attack): \(reason as Any)")
        }
        if attack.answer == .link { #expect(link.isUp, "\(attack): \(link.end as Any)") }
        end.peer.hangUp()
        try await served
        try await eventually("the victim is free again") { victim.link == nil }
    }

    /// Sends back what comes, each frame copied out of its place, until the link is over.
    private static func serve(_ link: MemifLink, _ isServed: Flag) throws {
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
        var sender = try unwrap(link.takeTransmitQueue(0))
        isServed.raise()
        var views = receiver.makeViews(frameCapacity: 8)
        var batch = FrameBatch(frameCapacity: 8, byteCapacity: 8 * 20_480)
        do {
            while true {
                _ = receiver.waitForFrames(milliseconds: 20)
                let count = try receiver.receiveBurst(into: &views)
                batch.removeAll()
                for frame in 0..<count { views.copyFrame(at: frame, into: &batch) }
                receiver.release(&views)
                _ = try sender.transmitBurst(batch)
            }
        } catch {
            // The end of the link, whichever side it comes from.
        }
    }
}

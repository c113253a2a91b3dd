import Foundation
import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// A daemon that was started without a standard input: the next descriptor has number 0, which is one
/// like any other.
@Suite("A descriptor with number 0", .timeLimit(.minutes(3)))
struct NumberZeroTests {
    /// What has the number.
    private enum Place: CaseIterable { case region, sending, receiving }

    @Test("may be what a slave passes")
    func master() async {
        await #expect(processExitsWith: .success) {
            for place in Place.allCases { try await NumberZeroTests.serve(place) }
        }
    }

    @Test("may be what a slave has and passes")
    func slave() async {
        await #expect(processExitsWith: .success) { try await NumberZeroTests.connect() }
    }

    /// Takes the number from who had it at the start.
    private static func vacate() async throws {
        // From the first wait on the runtime's clocks have a descriptor each, for good, and so has what raises
        // eventfds from its first use on: not this one.
        try EventCounter().signal()
        try await Task.sleep(for: .milliseconds(1), clock: .continuous)
        try await Task.sleep(for: .milliseconds(1), clock: .suspending)
        close(0)
    }

    /// Has the number, until it is closed; another part of the process may have it for a moment.
    private static func hold() async throws {
        try await eventually("number 0 is there to be had") {
            // SAFETY: the path is a C string that lives for the call.
            let number = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
            if number > 0 { close(number) }
            return number == 0
        }
    }

    private static var isFree: Bool { fcntl(0, F_GETFD) == -1 }

    private static func numbers(_ memory: LinkMemory?) throws -> [Int32] {
        let memory = try #require(memory)
        return [memory.regions[0].file.rawValue]
            + (memory.slaveToMaster + memory.masterToSlave).map { $0.interrupt.descriptor.rawValue }
    }

    private static func serve(_ place: Place) async throws {
        let stages = Place.allCases
        try await vacate()
        for _ in 0..<50 {
            try await hold()
            let master = try AttackedMaster()
            let slave = try master.slave()
            try await slave.initialize()
            if place == .region { close(0) }
            try await slave.addRegion()
            for (ring, stage) in zip(slave.announcements, stages[1...]) {
                if place == stage { close(0) }
                let interrupt =
                    stage == .sending
                    ? slave.sendingInterrupt.descriptor.rawValue
                    : slave.receivingInterrupt.descriptor.rawValue
                try slave.peer.send(.addRing(ring), descriptors: [interrupt])
                try await slave.peer.expect("ACK")
            }
            try slave.peer.send(.connect(interfaceName: "zero"))
            try await slave.peer.expect("CONNECTED")
            let link = try await master.interface.waitForLink(within: .seconds(30))
            let isThere = try numbers(link.memory).firstIndex(of: 0) == stages.firstIndex(of: place)
            if isThere { try pass(slave, link) }
            slave.peer.hangUp()
            try await eventually("the link is over") { master.interface.link == nil }
            if isThere {
                // It is closed with the others.
                try await eventually("number 0 is free") { isFree }
                return
            }
            master.socket.close()
        }
        throw GaveUp()
    }

    /// A frame each way, with an interrupt.
    private static func pass(_ slave: RawSlave, _ link: MemifLink) throws {
        var receiver = try unwrap(link.takeReceiveQueue(0, mode: .interrupt))
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch()
        var steps = [receiver.armInterrupt()]
        slave.transmit([1, 2, 3])
        steps.append(receiver.interrupt.wait(milliseconds: 30_000))
        receiver.disarmInterrupt()
        let count = try receiver.receiveBurst(into: &batch)
        steps.append(count == 1 && batch.bytes(of: 0) == [1, 2, 3])
        let offset = slave.bufferOffset(slave.receiving, 0)
        slave.receiving.setDescriptor(0, length: 2048, offset: offset)
        slave.receiving.head = 1
        let sent = try sender.transmitBurst(batch)
        steps.append(sent == 1)
        steps.append(slave.receivingInterrupt.wait(milliseconds: 30_000))
        steps.append(slave.memory.bytes(at: Int(offset), count: 3) == [1, 2, 3])
        try #require(steps.allSatisfy { $0 }, "\(steps)")
    }

    private static func connect() async throws {
        let directory = try TemporaryDirectory()
        let loop = try EventLoop.start(name: "memif")
        let master = try RawMaster(at: directory.address())
        try await vacate()
        for _ in 0..<50 {
            try await hold()
            let slave = try MemifInterface.connect(
                to: directory.address(), InterfaceConfiguration(), on: loop, reconnect: nil,
                handshakeTimeout: .seconds(120))
            let guest = try RawMaster.Guest(try await master.accept())
            close(0)
            try await guest.lead(to: .linked)
            let link = try await slave.waitForLink(within: .seconds(30))
            let isThere = try numbers(link.memory).first == 0
            slave.remove()
            if isThere {
                try await eventually("number 0 is free") { isFree }
                return
            }
        }
        throw GaveUp()
    }
}

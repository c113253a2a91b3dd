import LinuxIO
import Memif
import MemifTesting
import Testing

/// Empty buffers that a peer describes so that sending takes as long as it can.
@Suite("Hostile empty buffers")
struct HostileRoomTests {
    private let master: AttackedMaster

    init() throws { master = try AttackedMaster() }

    @Test(
        "without room, or elsewhere, are not reserved: the link ends at the first of them",
        arguments: [0, 1, 15] as [UInt16])
    func reserve(_ slot: UInt16) async throws {
        for place in [(0, 0, 4096), (1, 64, 0), (0, 64, .max)] as [(UInt16, UInt32, UInt32)] {
            let (slave, link) = try await master.connected()
            slave.receiving.setDescriptor(
                slot, region: place.0, length: place.1, offset: place.2)
            var sender = try unwrap(link.takeTransmitQueue(0))
            var room = sender.makeRoom()
            // Those before it are there for who wants no more.
            expectEqual(try sender.reserve(Int(slot), in: &room), Int(slot))
            do throws(LinkEnd) {
                _ = try sender.reserve(in: &room)
                Issue.record("a buffer without room was reserved")
            } catch {
                #expect(error.reason.text.contains("an empty buffer has no room within"))
            }
            #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)
            try await eventually("the interface is free again") { master.interface.link == nil }
        }
    }

    @Test("end the link, and what was put into those before them is sent", arguments: [0, 1, 15])
    func burst(_ slot: Int) async throws {
        let (slave, link) = try await master.connected()
        slave.receiving.setDescriptor(UInt16(slot), region: 9, length: 64, offset: 0)
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: 16)
        for number in 0..<16 { batch.append([UInt8(number), 7]) }
        do throws(LinkEnd) {
            _ = try sender.transmitBurst(batch)
            Issue.record("a buffer that lies nowhere was used")
        } catch {
            #expect(error.reason.text.contains("an empty buffer lies outside the regions"))
        }
        #expect(slave.receiving.tail == slot)
        for number in 0..<slot {
            let place = Int(slave.receiving.bufferOffset(UInt16(number)))
            #expect(slave.memory.bytes(at: place, count: 2) == [UInt8(number), 7])
        }
        #expect(try await slave.peer.receiveDisconnect()?.code == .protocolViolation)
    }

    @Test("of a slave's own ring are where it knows them to be, whatever a master writes there")
    func ownRoom() async throws {
        let hostile = try RawMaster(at: master.directory.address("hostile.sock"))
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 16
        let interface = try MemifInterface.connect(
            to: master.directory.address("hostile.sock"), configuration, on: master.loop,
            reconnect: nil, handshakeTimeout: .seconds(120))
        let peer = try await hostile.connect()
        let link = try await interface.waitForLink(within: .seconds(30))
        let ring = try #require(peer.ring(.slaveToMaster))
        var sender = try unwrap(link.takeTransmitQueue(0))
        var room = sender.makeRoom()
        for slot in 0..<16 as Range<UInt16> {
            ring.setDescriptor(slot, hasNext: true, region: 9, length: 0, offset: .max)
        }
        expectEqual(try sender.reserve(in: &room), 16)
        expectEqual(room.byteCapacity(of: 15), 2048)
        #expect(link.isUp)
        interface.remove()
    }

    @Test("of a byte each, of which a whole ring is too small, are walked once in a burst")
    func tiny() async throws {
        let (slave, link) = try await master.connected { $0.log2Size = 14 }
        for slot in 0..<16_384 as Range<UInt16> {
            slave.receiving.setDescriptor(slot, length: 1, offset: 1 << 20 + UInt32(slot))
        }
        var sender = try unwrap(link.takeTransmitQueue(0))
        var batch = FrameBatch(frameCapacity: 256, byteCapacity: 256 * 20_000)
        // The first finds that the ring has not room enough; the others need not look.
        batch.append([UInt8](repeating: 7, count: 20_000))
        for _ in 1..<255 { batch.append([UInt8](repeating: 8, count: 16_385)) }
        batch.append([5])
        expectEqual(try sender.transmitBurst(batch), 256)
        #expect(link.sent.drops == 255)
        #expect(link.sent.packets == 1)
        #expect(slave.receiving.tail == 1)
        #expect(slave.memory.bytes(at: 1 << 20, count: 3) == [5, 7, 7])
        // What the first left behind was never published: those buffers are free still.
        batch.removeAll()
        batch.append([1, 2, 3])
        expectEqual(try sender.transmitBurst(batch), 1)
        #expect(slave.receiving.tail == 4)
        #expect(slave.memory.bytes(at: 1 << 20, count: 5) == [5, 1, 2, 3, 7])
    }
}

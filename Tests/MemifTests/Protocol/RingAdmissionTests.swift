import Memif
import Testing

@Suite("What a slave announces")
struct RingAdmissionTests {
    typealias Master = MasterHandshakeTests

    private func regionCode(
        _ region: ControlMessage.AddRegion,
        _ configuration: InterfaceConfiguration = InterfaceConfiguration()
    ) -> DisconnectReason.Code? {
        var machine = Master.bound(configuration)
        return Master.code(machine.receive(.addRegion(region), descriptorCount: 1))
    }

    private func ringCode(
        _ change: (inout ControlMessage.AddRing) -> Void,
        _ configuration: InterfaceConfiguration = InterfaceConfiguration()
    ) -> DisconnectReason.Code? {
        var machine = Master.withRegion(configuration)
        var ring = Master.ring()
        change(&ring)
        return Master.code(machine.receive(.addRing(ring), descriptorCount: 1))
    }

    @Test("a region must be the next, not empty and within the limits")
    func regions() {
        #expect(regionCode(Master.region) == nil)
        #expect(regionCode(.init(index: 1, byteCount: 4096)) == .protocolViolation)
        #expect(regionCode(.init(index: 65_535, byteCount: 4096)) == .protocolViolation)
        #expect(regionCode(.init(index: 0, byteCount: 0)) == .protocolViolation)
        #expect(regionCode(.init(index: 0, byteCount: 1 << 30)) == nil)
        #expect(regionCode(.init(index: 0, byteCount: 1 << 30 + 1)) == .limitExceeded)
        #expect(regionCode(.init(index: 0, byteCount: .max)) == .limitExceeded)
    }

    @Test("the bytes of all regions count together, and so does their number")
    func regionTotals() {
        var configuration = InterfaceConfiguration()
        configuration.limits.regionBytes = 10_000
        configuration.limits.regions = 2
        var machine = Master.bound(configuration)
        for index in 0..<2 as Range<UInt16> {
            let region = ControlMessage.AddRegion(index: index, byteCount: 4096)
            #expect(
                machine.receive(.addRegion(region), descriptorCount: 1) == .mapRegion(region))
        }
        let third = ControlMessage.AddRegion(index: 2, byteCount: 1)
        #expect(
            Master.code(machine.receive(.addRegion(third), descriptorCount: 1)) == .limitExceeded)

        var large = Master.bound(configuration)
        _ = large.receive(
            .addRegion(ControlMessage.AddRegion(index: 0, byteCount: 9000)), descriptorCount: 1)
        let rest = ControlMessage.AddRegion(index: 1, byteCount: 1001)
        #expect(
            Master.code(large.receive(.addRegion(rest), descriptorCount: 1)) == .limitExceeded)
    }

    @Test("a ring is walked field by field from right to wrong")
    func rings() {
        #expect(ringCode { _ in } == nil)
        #expect(ringCode { $0.index = 1 } == .protocolViolation)
        #expect(ringCode { $0.region = 1 } == .protocolViolation)
        #expect(ringCode { $0.offset = 8 } == .protocolViolation)
        #expect(ringCode { $0.offset = .max & ~15 } == .protocolViolation)
        #expect(ringCode { $0.log2Size = 0 } == .protocolViolation)
        #expect(ringCode { $0.log2Size = 14 } == nil)
        #expect(ringCode { $0.log2Size = 15 } == .protocolViolation)
        #expect(ringCode { $0.log2Size = 255 } == .protocolViolation)
        #expect(ringCode { $0.privateHeaderByteCount = 1 } == .protocolViolation)
        // 384 bytes: 128 of header and 16 slots. The last that fits, and one step further.
        #expect(ringCode { $0.offset = 1 << 20 - 384 } == nil)
        #expect(ringCode { $0.offset = 1 << 20 - 368 } == .protocolViolation)
    }

    @Test("limits of the interface hold")
    func limits() {
        var configuration = InterfaceConfiguration()
        configuration.limits.ringSize = 8
        #expect(ringCode({ _ in }, configuration) == .limitExceeded)
        configuration.limits.ringSize = 16
        configuration.limits.queues = QueueCounts(slaveToMaster: 0, masterToSlave: 1)
        #expect(ringCode({ _ in }, configuration) == .limitExceeded)
        #expect(ringCode({ $0.direction = .masterToSlave }, configuration) == nil)
    }

    @Test("rings must not overlap, nor come twice")
    func overlap() {
        for offset in [0, 16, 368] as [UInt32] {
            var machine = Master.withRegion()
            _ = machine.receive(.addRing(Master.ring()), descriptorCount: 1)
            let second = Master.ring(.masterToSlave, offset: offset)
            #expect(
                Master.code(machine.receive(.addRing(second), descriptorCount: 1))
                    == .protocolViolation)
        }
        var machine = Master.withRegion()
        _ = machine.receive(.addRing(Master.ring()), descriptorCount: 1)
        let again = Master.ring(offset: 4096)
        #expect(
            Master.code(machine.receive(.addRing(again), descriptorCount: 1))
                == .protocolViolation)
    }

    @Test("rings with lines of 128 bytes are recognised by their distance, and measured again")
    func longLines() {
        // 512 bytes apart: 256 of header and 16 slots.
        let rings = [Master.ring(), Master.ring(.masterToSlave, offset: 512)]
        #expect(RingLayout.detect(rings) == .lines128)
        #expect(RingLayout.detect([rings[0]]) == .lines64)
        #expect(
            RingLayout.detect([rings[0], Master.ring(.masterToSlave, offset: 384)]) == .lines64)
        #expect(
            RingLayout.detect(rings + [Master.ring(index: 1, offset: 4096)]) == .lines64)

        // The second ring would fit with short lines, and reaches beyond the region with long ones.
        var machine = Master.bound()
        let region = ControlMessage.AddRegion(index: 0, byteCount: 1000)
        _ = machine.receive(.addRegion(region), descriptorCount: 1)
        for ring in rings { _ = machine.receive(.addRing(ring), descriptorCount: 1) }
        #expect(
            Master.code(machine.receive(.connect(interfaceName: ""), descriptorCount: 0))
                == .protocolViolation)
    }
}

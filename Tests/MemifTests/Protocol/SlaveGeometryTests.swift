import Testing

@testable import Memif

@Suite("A slave's memory")
struct SlaveGeometryTests {
    @Test(
        "rings and buffers lie apart from each other and within the region",
        arguments: [2, 4, 64, 1024, 16_384], [(1, 1), (3, 1), (1, 4), (8, 8)])
    func layout(ringSize: Int, queues: (Int, Int)) throws {
        var configuration = InterfaceConfiguration()
        configuration.ringSize = ringSize
        configuration.queues = QueueCounts(slaveToMaster: queues.0, masterToSlave: queues.1)
        configuration.bufferSize = 100
        let geometry = try configuration.slaveGeometry()
        var taken: [Range<Int>] = []
        for ring in geometry.rings {
            #expect(ring.offset % 64 == 0)
            taken.append(
                Int(ring.offset)..<Int(ring.offset)
                    + RingLayout.lines64.byteCount(log2Size: ring.log2Size))
            let buffers = geometry.buffersOffset(ring.direction, Int(ring.index))
            taken.append(buffers..<buffers + ringSize * geometry.bufferSpacing)
        }
        taken.sort { $0.lowerBound < $1.lowerBound }
        for (one, next) in zip(taken, taken.dropFirst()) {
            #expect(one.upperBound <= next.lowerBound)
        }
        #expect(try #require(taken.last).upperBound <= geometry.byteCount)
    }

    @Test(
        "no two buffers share a line, whatever their size, and they begin in all sets of a cache",
        arguments: [1, 63, 64, 65, 100, 1500, 2048, 4032, 4096, 65_535], [0, 10, 64])
    func spacing(bufferSize: Int, headroom: Int) throws {
        var configuration = InterfaceConfiguration()
        configuration.bufferSize = bufferSize
        configuration.headroom = headroom
        configuration.ringSize = 64
        let geometry = try configuration.slaveGeometry()
        #expect(geometry.bufferSpacing % 64 == 0)
        #expect(geometry.bufferSpacing >= bufferSize + headroom)
        #expect(geometry.bufferOffsets.allSatisfy { $0 % 64 == 0 })
        // A page has 64 lines, and so many sets has the smallest cache.
        #expect(Set(geometry.bufferOffsets.map { $0 / 64 % 64 }).count == 64)
        let pool = try BufferPool(bufferCount: 4, bufferSize: bufferSize)
        #expect(pool.bufferSpacing % 64 == 0 && pool.bufferSpacing >= bufferSize)
    }

    @Test("our own rings pass our own admission, and are not taken for the other layout")
    func admission() throws {
        for log2 in 1...14 {
            var configuration = InterfaceConfiguration()
            configuration.ringSize = 1 << log2
            configuration.queues = QueueCounts(pairs: 3)
            configuration.bufferSize = 64
            let geometry = try configuration.slaveGeometry()
            var admission = RingAdmission(limits: InterfaceLimits())
            let region = ControlMessage.AddRegion(
                index: 0, byteCount: UInt64(geometry.byteCount))
            #expect(admission.admit(region) == nil)
            for ring in geometry.rings { #expect(admission.admit(ring) == nil) }
            #expect(try admission.settledLayout().get() == (.lines64, true))
        }
    }

    @Test("rings with lines of 128 bytes are known by their distance", arguments: 1...14)
    func longLines(log2: Int) throws {
        var configuration = InterfaceConfiguration()
        configuration.ringSize = 1 << log2
        configuration.bufferSize = 64
        configuration.ringLayout = .lines128
        let geometry = try configuration.slaveGeometry()
        var admission = RingAdmission(limits: InterfaceLimits())
        for region in geometry.regions { #expect(admission.admit(region) == nil) }
        for ring in geometry.rings { #expect(admission.admit(ring) == nil) }
        #expect(try admission.settledLayout().get() == (.lines128, false))
    }

    @Test("sizes that no slave can have are refused with what is allowed")
    func refusals() throws {
        let changes: [(inout InterfaceConfiguration) -> Void] = [
            { $0.ringSize = 0 }, { $0.ringSize = 1 }, { $0.ringSize = 1000 },
            { $0.ringSize = 32_768 }, { $0.queues.slaveToMaster = 0 },
            { $0.queues.masterToSlave = 257 }, { $0.bufferSize = 0 }, { $0.bufferSpacing = 2047 },
            {
                $0.ringSize = 16_384
                $0.bufferSize = 1 << 20
            },
        ]
        for change in changes {
            var configuration = InterfaceConfiguration()
            change(&configuration)
            let error = #expect(throws: MemifError.self) { try configuration.slaveGeometry() }
            #expect(error?.code == .invalidConfiguration)
        }
    }

    @Test(
        "a number that makes no sense is named in the refusal, however far off it is",
        arguments: [Int.min, -1, 1 << 26, Int.max])
    func extremes(number: Int) throws {
        let changes: [(inout InterfaceConfiguration) -> Void] = [
            { $0.ringSize = number }, { $0.bufferSize = number }, { $0.headroom = number },
            { $0.bufferSpacing = number }, { $0.queues.slaveToMaster = number },
            { $0.queues.masterToSlave = number },
        ]
        let pool = try BufferPool(bufferCount: 2, bufferSize: 64)
        for change in changes {
            for pools in [[], [pool]] {
                var configuration = InterfaceConfiguration()
                change(&configuration)
                configuration.pools = pools
                // With pools it is the pools' buffers that count.
                let counts =
                    pools.isEmpty
                    || configuration.bufferSize != number && configuration.bufferSpacing != number
                let error = #expect(throws: MemifError.self) {
                    try configuration.slaveGeometry()
                }
                #expect(error?.code == .invalidConfiguration)
                #expect(!counts || error?.message.contains("\(number)") == true, "\(error as Any)")
            }
        }
        var tight = InterfaceConfiguration()
        tight.headroom = 64
        tight.pool = pool
        let error = #expect(throws: MemifError.self) { try tight.slaveGeometry() }
        #expect(error?.message.contains("room for a frame") == true)
    }
}

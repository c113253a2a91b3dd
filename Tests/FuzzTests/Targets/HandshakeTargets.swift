@testable import Memif

/// What a hostile slave may say to a master, step by step.
enum MasterHandshakeTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        var reader = InputReader(input)
        var configuration = InterfaceConfiguration(id: 1)
        let choices: UInt8 = reader.take()
        if choices & 1 != 0 { configuration.secret = try? Secret("s") }
        if choices & 2 != 0 { configuration.limits.queues = QueueCounts(pairs: 2) }
        if choices & 4 != 0 { configuration.limits.regions = 1 }
        var machine = MasterHandshake()
        var regions: [UInt64] = []
        var hasEnded = false
        while !reader.isAtEnd {
            let (message, descriptorCount) = reader.takeMessage()
            var action = machine.receive(message, descriptorCount: descriptorCount)
            if case .bind = action {
                try require(!hasEnded, "bound after the end")
                let isKnown = choices & 8 == 0
                action = machine.bind(
                    to: isKnown ? configuration : nil, isConnected: choices & 16 != 0)
            }
            switch action {
            case .end: hasEnded = true
            case .mapRegion(let region): regions.append(region.byteCount)
            case .connect(let terms):
                try require(!hasEnded, "connected after the end")
                try check(terms, regions, configuration.limits)
                hasEnded = true
            case .bind: throw Finding("bound twice")
            case .acknowledge, .keepRing: break
            }
            let mayGoOn = if case .end = action { true } else { !hasEnded || isConnect(action) }
            try require(mayGoOn, "\(message.name) was taken after the end")
        }
    }

    private static func isConnect(_ action: MasterHandshake.Action) -> Bool {
        if case .connect = action { true } else { false }
    }

    /// Rings lie in announced regions and nowhere twice, whatever the slave has said.
    private static func check(
        _ terms: LinkTerms, _ regions: [UInt64], _ limits: InterfaceLimits
    ) throws(Finding) {
        try require(regions.count <= limits.regions, "\(regions.count) regions")
        var total: UInt64 = 0
        for region in regions {
            let (sum, overflow) = total.addingReportingOverflow(region)
            try require(!overflow && sum <= limits.regionBytes, "regions beyond the limit")
            total = sum
        }
        // Where the rings' content decides between the two layouts, both must be right.
        let layouts = terms.isLayoutCertain ? [terms.layout] : [.lines64, .lines128]
        for layout in layouts { try check(terms.rings, layout, regions) }
    }

    private static func check(
        _ rings: [ControlMessage.AddRing], _ layout: RingLayout, _ regions: [UInt64]
    ) throws(Finding) {
        var places: [(region: UInt16, extent: Range<UInt64>)] = []
        for ring in rings {
            try require(Int(ring.region) < regions.count, "a ring in no region")
            let start = UInt64(ring.offset)
            let slots = UInt64(1) << UInt64(ring.log2Size)
            let extent = start..<start + UInt64(layout.slotsOffset) + 16 * slots
            try require(extent.upperBound <= regions[Int(ring.region)], "a ring beyond its region")
            for place in places where place.region == ring.region {
                try require(!place.extent.overlaps(extent), "two rings in one place")
            }
            places.append((ring.region, extent))
        }
    }
}

/// What a hostile master may say to a slave, step by step.
enum SlaveHandshakeTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        var reader = InputReader(input)
        var configuration = InterfaceConfiguration(id: 1)
        configuration.queues = QueueCounts(
            slaveToMaster: 1 + reader.take(below: 8), masterToSlave: 1 + reader.take(below: 8))
        configuration.ringSize = 2 << reader.take(below: 13)
        guard let geometry = try? configuration.slaveGeometry() else { return }
        var machine = SlaveHandshake(configuration, geometry: geometry)
        var hasEnded = false
        while !reader.isAtEnd {
            let (message, descriptorCount) = reader.takeMessage()
            var action = machine.receive(message, descriptorCount: descriptorCount)
            if case .layOut(let limited) = action {
                try require(!hasEnded, "memory after the end")
                try check(limited, within: geometry)
                action = machine.memoryIsReady()
            }
            switch action {
            case .end: hasEnded = true
            case .connect:
                try require(!hasEnded, "connected after the end")
                hasEnded = true
            case .send: try require(!hasEnded, "\(message.name) was taken after the end")
            case .layOut: throw Finding("memory asked for twice")
            }
        }
    }

    /// A master makes a slave's memory smaller, and never empty.
    private static func check(
        _ limited: SlaveGeometry, within own: SlaveGeometry
    ) throws(Finding) {
        try require(limited.byteCount <= own.byteCount, "more memory than configured")
        try require(!limited.rings.isEmpty && limited.log2RingSize >= 1, "no ring at all")
        for ring in limited.rings {
            let end = Int(ring.offset) + limited.layout.byteCount(log2Size: ring.log2Size)
            try require(end <= limited.byteCount, "a ring beyond the region")
        }
    }
}

extension InputReader {
    /// A message of few bytes, near what makes sense, and how many descriptors come with it.
    fileprivate mutating func takeMessage() -> (message: ControlMessage, descriptorCount: Int) {
        let kind: UInt8 = take()
        let message: ControlMessage =
            switch kind & 0x0F {
            case 0: .noOperation
            case 1: .acknowledge
            case 2:
                .hello(
                    ControlMessage.Hello(
                        name: "", oldestVersion: 0x0200 ^ UInt16(take(UInt8.self)),
                        newestVersion: 0x0200 ^ UInt16(take(UInt8.self)),
                        largestRegionIndex: take(), largestMasterToSlaveIndex: take(),
                        largestSlaveToMasterIndex: take(), largestLog2RingSize: take()))
            case 3:
                .initialize(
                    ControlMessage.Initialize(
                        version: 0x0200 ^ UInt16(take(UInt8.self)), id: 1,
                        mode: take(), secret: Secret(field: takeBytes(1)), name: ""))
            case 4: .addRegion(ControlMessage.AddRegion(index: take(), byteCount: take()))
            case 5, 9:
                .addRing(
                    ControlMessage.AddRing(
                        direction: kind & 0x10 == 0 ? .slaveToMaster : .masterToSlave,
                        index: UInt16(take(UInt8.self)), region: UInt16(take(UInt8.self)),
                        offset: take(), log2Size: take(),
                        privateHeaderByteCount: kind & 0x0F == 9 ? take() : 0))
            case 6: .connect(interfaceName: "")
            case 7: .connected(interfaceName: "")
            case 8: .disconnect(DisconnectReason(.removed, ""))
            default: ControlMessageTarget.message(takeBytes(128)) ?? .noOperation
            }
        let surplus = kind & 0x20 != 0 ? 1 : 0
        return (message, message.descriptorCount ^ surplus)
    }
}

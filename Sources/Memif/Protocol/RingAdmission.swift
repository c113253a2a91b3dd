/// Checks what a slave announces, region by region and ring by ring, before any of it is used.
struct RingAdmission: Hashable, Sendable {
    let limits: InterfaceLimits
    private(set) var regions: [UInt64] = []
    private(set) var rings: [ControlMessage.AddRing] = []

    init(limits: InterfaceLimits) { self.limits = limits }

    /// The announced rings of one direction.
    func rings(_ direction: RingDirection) -> [ControlMessage.AddRing] {
        rings.filter { $0.direction == direction }
    }

    /// Regions must come in order, have a size, and stay within the limits.
    mutating func admit(_ region: ControlMessage.AddRegion) -> LinkEnd? {
        guard Int(region.index) == regions.count else {
            return .violation("region \(region.index) announced, \(regions.count) is next")
        }
        guard regions.count < limits.regions else {
            return .limit("more than \(limits.regions) regions")
        }
        guard region.byteCount > 0 else { return .violation("region \(region.index) is empty") }
        let total = regions.reduce(0, +)
        guard region.byteCount <= limits.regionBytes - min(total, limits.regionBytes) else {
            return .limit("regions of more than \(limits.regionBytes) bytes in all")
        }
        regions.append(region.byteCount)
        return nil
    }

    /// Rings must come in order in each direction, lie whole within an announced region, on the
    /// boundary that their slots need, and apart from each other.
    mutating func admit(_ ring: ControlMessage.AddRing) -> LinkEnd? {
        let count = rings(ring.direction).count
        let title = "\(ring.direction.rawValue) ring \(ring.index)"
        guard Int(ring.index) == count else {
            return .violation("\(title) announced, \(count) is next")
        }
        let most =
            switch ring.direction {
            case .slaveToMaster: limits.queues.slaveToMaster
            case .masterToSlave: limits.queues.masterToSlave
            }
        guard count < most else {
            return .limit("more than \(most) rings \(ring.direction.rawValue)")
        }
        guard (1...MemifProtocol.largestLog2RingSize).contains(ring.log2Size) else {
            return .violation("\(title) has 2^\(ring.log2Size) slots")
        }
        guard 1 << Int(ring.log2Size) <= limits.ringSize else {
            return .limit("\(title) has more than \(limits.ringSize) slots")
        }
        guard ring.privateHeaderByteCount == 0 else {
            return .violation("\(title) has private headers, which nobody supports")
        }
        guard ring.offset % UInt32(RingLayout.descriptorByteCount) == 0 else {
            return .violation("\(title) at offset \(ring.offset) is not aligned to 16 bytes")
        }
        guard Int(ring.region) < regions.count else {
            return .violation("\(title) lies in region \(ring.region), which is not there")
        }
        rings.append(ring)
        return extentProblem(of: ring, layout: .lines64)
    }

    /// Settles the layout once all rings are known. Rings with longer lines reach further than
    /// was checked when they came.
    ///
    /// - Returns: the layout that the rings' places speak for, and whether there is no other in which
    ///   they would lie as rings must.
    func settledLayout() -> Result<(RingLayout, isCertain: Bool), LinkEnd> {
        guard !rings.isEmpty else { return .failure(.violation("CONNECT without any ring")) }
        let layout = RingLayout.detect(rings)
        let problem = rings.lazy.compactMap { extentProblem(of: $0, layout: .lines128) }.first
        if layout == .lines128, let problem { return .failure(problem) }
        return .success((layout, isCertain: problem != nil))
    }

    private func extentProblem(
        of ring: ControlMessage.AddRing, layout: RingLayout
    ) -> LinkEnd? {
        let title = "\(ring.direction.rawValue) ring \(ring.index)"
        let extent = self.extent(of: ring, layout: layout)
        guard extent.upperBound <= regions[Int(ring.region)] else {
            return .violation("\(title) reaches beyond region \(ring.region)")
        }
        for other in rings where other.region == ring.region {
            if other.direction == ring.direction, other.index == ring.index { continue }
            if self.extent(of: other, layout: layout).overlaps(extent) {
                return .violation("\(title) overlaps another ring")
            }
        }
        return nil
    }

    private func extent(
        of ring: ControlMessage.AddRing, layout: RingLayout
    ) -> Range<UInt64> {
        let start = UInt64(ring.offset)
        return start..<start + UInt64(layout.byteCount(log2Size: ring.log2Size))
    }
}

extension LinkEnd {
    static func limit(_ text: String) -> LinkEnd {
        LinkEnd(.refused, DisconnectReason(.limitExceeded, text))
    }
}

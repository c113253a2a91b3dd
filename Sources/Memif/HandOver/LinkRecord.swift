public import LinuxIO

/// A link as another process needs it to go on with it. Its descriptors come beside it: the control
/// socket, each region's file, each ring's eventfd, in this order.
///
/// There is little in it, because memif keeps the rest where both processes see it: the positions in the
/// rings stand in the slave's memory.
public struct LinkRecord: Hashable, Sendable {
    /// What the two ends have told each other.
    public var terms: LinkTerms
    /// The size of each region, in bytes.
    public var regionByteCounts: [UInt64]
    /// Who the slave is, where the socket does not tell: one that came over a channel which was handed
    /// to it. Nil has the socket asked.
    public var peer: PeerCredentials?

    /// Makes one of what was kept of another.
    public init(
        terms: LinkTerms, regionByteCounts: [UInt64], peer: PeerCredentials? = nil
    ) {
        self.terms = terms
        self.regionByteCounts = regionByteCounts
        self.peer = peer
    }

    /// How many descriptors belong to it.
    public var descriptorCount: Int { 1 + regionByteCounts.count + terms.rings.count }

    /// Checks it as the slave's own words were checked: it may have been kept by another version, or for
    /// an interface that allows less now.
    func problem(for configuration: InterfaceConfiguration) -> LinkEnd? {
        guard terms.id == configuration.id, terms.mode == configuration.mode else {
            return .violation(
                "the link is of interface \(terms.id) (\(terms.mode)), not of "
                    + "\(configuration.id) (\(configuration.mode))")
        }
        var admission = RingAdmission(limits: configuration.limits)
        for (index, byteCount) in regionByteCounts.enumerated() {
            let region = ControlMessage.AddRegion(
                index: UInt16(clamping: index), byteCount: byteCount)
            if let problem = admission.admit(region) { return problem }
        }
        for ring in terms.rings {
            if let problem = admission.admit(ring) { return problem }
        }
        switch admission.settledLayout() {
        case .failure(let problem): return problem
        case .success(let (layout, isCertain)):
            // Where both are possible both were checked, and their content has decided long since.
            guard isCertain, layout != terms.layout else { return nil }
            return .violation("the rings are laid out otherwise")
        }
    }
}

/// A socket as another process needs it to go on with it: one that stands still, or a copy for the case that
/// this process crashes.
public struct FrozenSocket: ~Copyable, Sendable {
    /// Its links.
    public var links: [LinkRecord]
    /// The listener, then each link's descriptors.
    public var descriptors: DescriptorQueue

    /// One without links, to be filled.
    public init(descriptors: consuming DescriptorQueue = DescriptorQueue()) {
        links = []
        self.descriptors = descriptors
    }
}

internal import LinuxIO
internal import Synchronization

/// One ring of a link, at one end: its place in shared memory and its eventfd.
final class Ring: Sendable {
    let announcement: ControlMessage.AddRing
    let memory: RingMemory
    let interrupt: EventCounter
    private let isHeld = Atomic<Bool>(false)
    /// Whether somebody of this program has called the receiver's owner, who has yet to hear it.
    private let hasCall = Atomic<Bool>(false)
    /// Where the numbers of the ring's former queue ended. The next one goes on with them, so that views and
    /// room of the former one are not taken for its own.
    private let ticketsSoFar = Atomic<UInt32>(0)
    private let publicationsSoFar = Atomic<UInt64>(0)

    init(
        _ announcement: ControlMessage.AddRing, memory: RingMemory,
        interrupt: consuming EventCounter
    ) {
        self.announcement = announcement
        self.memory = memory
        self.interrupt = interrupt
    }

    /// Whether a queue works it.
    var isTaken: Bool { isHeld.load(ordering: .acquiring) }

    /// Takes it for a queue; false when another has it. Sees all that the last one did.
    func take() -> Bool { !isHeld.exchange(true, ordering: .acquiring) }

    /// The number of the next burst into views, between two queues.
    var nextTicket: UInt32 {
        get { ticketsSoFar.load(ordering: .relaxed) }
        set { ticketsSoFar.store(newValue, ordering: .relaxed) }
    }

    /// How often something was published, between two queues.
    var publications: UInt64 {
        get { publicationsSoFar.load(ordering: .relaxed) }
        set { publicationsSoFar.store(newValue, ordering: .relaxed) }
    }

    /// Calls the receiver's owner. The flag comes first: who empties the eventfd without having waited
    /// for it finds the flag, and who looks at the flag too early is woken by the eventfd.
    func call() {
        hasCall.store(true, ordering: .sequentiallyConsistent)
        interrupt.signal()
    }

    /// Whether the owner is called.
    var isCalled: Bool { hasCall.load(ordering: .sequentiallyConsistent) }

    /// As the owner, hears a call if there is one.
    func hearCall() -> Bool {
        isCalled && hasCall.exchange(false, ordering: .sequentiallyConsistent)
    }

    /// Its queue is let go.
    ///
    /// A master goes on where the indexes in shared memory stand, as often as it likes. A slave's queue
    /// fills its ring anew, which no peer would understand a second time.
    func putBack(_ role: MemifRole) {
        if role == .master { isHeld.store(false, ordering: .releasing) }
    }
}

/// All that a link shares with its peer: regions, rings, eventfds. Descriptors and a few numbers, so
/// that a link could be handed to another process.
///
/// Queues hold on to it; the last of them to go unmaps the memory.
@safe
final class LinkMemory: @unchecked Sendable {
    // @unchecked: `extents` is written in `init` only.

    let role: MemifRole
    let layout: RingLayout
    let regions: [Region]
    let slaveToMaster: [Ring]
    let masterToSlave: [Ring]
    /// The slave's own layout; nil as a master.
    let geometry: SlaveGeometry?
    private let extents: UnsafeMutablePointer<BufferSpace.Extent>
    /// Where each slot's buffer begins, ring after ring: the slave's own knowledge.
    private let offsets: UnsafeMutablePointer<UInt32>
    private let offsetCount: Int
    /// Where the buffers go back to.
    private let pools: [BufferPool]

    /// - Parameter buffers: as the slave, where each slot's buffer begins, ring after ring; nil
    ///   puts them where the geometry says.
    init(
        role: MemifRole, layout: RingLayout, regions: [Region], rings: [Ring],
        geometry: SlaveGeometry?, buffers: [UInt32]? = nil, pools: [BufferPool] = []
    ) {
        self.role = role
        self.layout = layout
        self.regions = regions
        self.geometry = geometry
        slaveToMaster = rings.filter { $0.announcement.direction == .slaveToMaster }
        masterToSlave = rings.filter { $0.announcement.direction == .masterToSlave }
        // SAFETY: room for one extent a region (and one more, so that it is never empty), freed in deinit.
        unsafe extents = .allocate(capacity: regions.count + 1)
        for (index, region) in regions.enumerated() {
            unsafe (extents + index).initialize(
                to: BufferSpace.Extent(
                    base: region.mapping.baseAddress, byteCount: UInt64(region.byteCount)))
        }
        let table = buffers ?? geometry?.bufferOffsets ?? []
        self.pools = pools
        offsetCount = table.count
        // SAFETY: room for the whole table (and one more, so that it is never empty), freed in deinit.
        unsafe offsets = .allocate(capacity: table.count + 1)
        for (index, offset) in table.enumerated() {
            unsafe (offsets + index).initialize(to: offset)
        }
    }

    deinit {
        // SAFETY: both tables are trivial; queues that point here have kept this object alive until now.
        unsafe extents.deallocate()
        if let geometry, !pools.isEmpty {
            let kept = unsafe Array(UnsafeBufferPointer(start: offsets, count: offsetCount))
            geometry.giveBuffers(kept, to: pools)
        }
        unsafe offsets.deallocate()
    }

    /// The rings that this end receives from.
    var receiving: [Ring] { role == .master ? slaveToMaster : masterToSlave }

    /// The rings that this end sends on.
    var sending: [Ring] { role == .master ? masterToSlave : slaveToMaster }

    /// The buffers of a ring. Valid while this object lives.
    func buffers(of ring: Ring) -> BufferSpace {
        guard let geometry else {
            return unsafe BufferSpace(extents: extents, count: regions.count, noOffsets: offsets)
        }
        let place = ring.announcement
        let first = geometry.position(place.direction, Int(place.index)) * geometry.ringSize
        precondition(first + geometry.ringSize <= offsetCount, "a ring without buffers")
        return unsafe BufferSpace(
            extents: extents, count: regions.count, geometry: geometry, queue: Int(place.index),
            offsets: offsets + first)
    }

    /// Makes a slave's memory: a sealed region with all rings and, unless they come from pools, all
    /// buffers, and an eventfd for each ring.
    ///
    /// - Parameters:
    ///   - isPopulated: whether the region's pages are faulted in. Else the caller does so, and has
    ///     `setCookies` called, before anybody learns of it.
    ///   - disposal: unmaps the region and closes its file; nil does so where it is let go of.
    static func makeSlave(
        _ geometry: SlaveGeometry, name: String, pools: [BufferPool] = [], isPopulated: Bool = true,
        disposal: Disposal? = nil
    ) throws(SystemError) -> LinkMemory {
        let region = try Region(
            name: "memif \(name)", byteCount: geometry.byteCount, hugePages: geometry.hugePages,
            isPopulated: isPopulated, disposal: disposal)
        var rings: [Ring] = []
        for announcement in geometry.rings {
            guard
                let memory = region.ring(
                    at: Int(announcement.offset), layout: geometry.layout,
                    log2Size: announcement.log2Size,
                    role: .slave)
            else { preconditionFailure("a slave's geometry puts a ring beyond its region") }
            let interrupt = try EventCounter()
            try DescriptorReserve.spare(interrupt.descriptor, "keep an eventfd")
            rings.append(Ring(announcement, memory: memory, interrupt: interrupt))
        }
        let buffers = pools.isEmpty ? nil : try geometry.takeBuffers(from: pools)
        let memory = LinkMemory(
            role: .slave, layout: geometry.layout, regions: [region] + pools.map(\.region),
            rings: rings, geometry: geometry, buffers: buffers, pools: pools)
        if isPopulated { memory.setCookies() }
        return memory
    }

    /// Begins each ring with memif's cookie, as their maker.
    func setCookies() {
        for ring in slaveToMaster + masterToSlave {
            regions[Int(ring.announcement.region)].setCookie(at: Int(ring.announcement.offset))
        }
    }

    /// Puts together what a slave has announced, as the master.
    ///
    /// - Throws: `LinkEnd` when a ring does not begin with memif's cookie.
    static func makeMaster(
        _ terms: LinkTerms, regions: [Region], interrupts: consuming DescriptorQueue
    ) throws(LinkEnd) -> LinkMemory {
        let layout = layout(of: terms, in: regions)
        var rings: [Ring] = []
        for announcement in terms.rings {
            let title = "\(announcement.direction.rawValue) ring \(announcement.index)"
            let region = regions[Int(announcement.region)]
            guard region.cookie(at: Int(announcement.offset)) == MemifProtocol.cookie else {
                throw .violation("\(title) does not begin with memif's cookie")
            }
            guard
                let memory = region.ring(
                    at: Int(announcement.offset), layout: layout,
                    log2Size: announcement.log2Size, role: .master),
                let descriptor = interrupts.popFirst()
            else { throw .violation("\(title) is not within its region") }
            let interrupt: EventCounter
            do {
                interrupt = try EventCounter(adopting: descriptor)
            } catch {
                throw .violation("\(title) came without an eventfd")
            }
            // The other direction's eventfds are only written here.
            if announcement.direction == .slaveToMaster, interrupt.isSemaphore() {
                throw .violation("\(title) came with an eventfd that counts down by one")
            }
            rings.append(Ring(announcement, memory: memory, interrupt: interrupt))
        }
        return LinkMemory(
            role: .master, layout: layout, regions: regions, rings: rings, geometry: nil)
    }
}

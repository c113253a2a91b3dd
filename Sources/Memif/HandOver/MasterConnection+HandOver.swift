internal import LinuxIO
internal import Synchronization

extension MasterConnection {
    /// Stands still until `thaw`: nothing of the slave's is read. Its link is added to what is frozen; one
    /// that is not up yet is sent away.
    ///
    /// - Throws: `MemifError`: `.queuesTaken`, or `.system`.
    func freeze(into frozen: inout FrozenSocket) throws(MemifError) {
        guard let link = state.withLock({ $0.link }), let memory = link.memory else {
            sendAway()
            return
        }
        guard !(memory.receiving + memory.sending).contains(where: \.isTaken) else {
            throw MemifError(
                .queuesTaken,
                "queues of interface \(link.terms.id) are held: let go of them first")
        }
        do throws(SystemError) {
            guard let control = try channel.freeze() else {
                sendAway()
                return
            }
            try add(link, memory, control, to: &frozen)
        } catch {
            throw MemifError(error)
        }
    }

    /// Adds its link to what another process could go on with, if one is up. Nothing stands still.
    func copy(to copied: inout FrozenSocket) throws(MemifError) {
        guard let link = state.withLock({ $0.hasEnded ? nil : $0.link }), let memory = link.memory
        else { return }
        do throws(SystemError) {
            guard let control = try channel.duplicate() else { return }
            try add(link, memory, Self.spared(control), to: &copied)
        } catch {
            throw MemifError(error)
        }
    }

    private func add(
        _ link: MemifLink, _ memory: LinkMemory, _ control: consuming OwnedDescriptor,
        to frozen: inout FrozenSocket
    ) throws(SystemError) {
        var descriptors = DescriptorQueue()
        descriptors.append(control)
        for region in memory.regions {
            descriptors.append(try Self.spared(region.file.duplicate()))
        }
        let rings = memory.slaveToMaster + memory.masterToSlave
        for announcement in link.terms.rings {
            guard let ring = rings.first(where: { $0.announcement == announcement }) else {
                continue
            }
            descriptors.append(try Self.spared(ring.interrupt.descriptor.duplicate()))
        }
        frozen.descriptors.append(contentsOf: descriptors)
        frozen.links.append(
            LinkRecord(
                terms: link.terms, regionByteCounts: memory.regions.map { UInt64($0.byteCount) },
                peer: peer))
    }

    private static func spared(
        _ copy: consuming OwnedDescriptor
    ) throws(SystemError) -> OwnedDescriptor {
        try DescriptorReserve.spare(copy, "prepare a hand-over")
        return copy
    }

    private func sendAway() {
        let reason = DisconnectReason(
            .administrative, "the program is being replaced: connect again")
        finish(LinkEnd(.local, reason))
    }

    /// Reads on.
    func thaw() {
        do throws(SystemError) {
            try channel.start { [self] input in handle(input) }
            populateInherited()
        } catch {
            finish(Self.end(of: error))
        }
    }

    /// Lets go of everything without a word to the slave.
    func abandon() {
        let end = LinkEnd(
            .local, DisconnectReason(.removed, "another process goes on with the link"))
        let (link, interface) = state.withLock { state in
            state.end = end
            return (state.link, state.interface)
        }
        channel.abandon()
        link?.status.finish(end)
        link?.releaseMemory()
        interface?.vacate(end)
        socket?.forget(self, end)
    }

    /// Has a link that another process has had; nothing is read before `thaw`.
    ///
    /// - Parameter descriptors: of the regions and the rings.
    /// - Throws: `LinkEnd` where it cannot be.
    func resume(
        _ record: LinkRecord, _ descriptors: consuming DescriptorQueue, as interface: MemifInterface
    ) throws(LinkEnd) -> MemifLink {
        state.withLock { state in
            state.interface = interface
            state.handshake = MasterHandshake(resuming: record.terms)
        }
        try hold(interface)
        if let problem = record.problem(for: interface.configuration) { throw problem }
        var descriptors = descriptors.closed(by: channel.disposal)
        var regions: [Region] = []
        for byteCount in record.regionByteCounts {
            guard let file = descriptors.popFirst() else {
                throw .violation("a region without a file")
            }
            regions.append(
                try Region(
                    peerFile: file, byteCount: byteCount, limits: interface.configuration.limits))
        }
        let memory = try LinkMemory.makeMaster(
            record.terms, regions: regions, interrupts: descriptors)
        let link = MemifLink(
            memory: memory, terms: record.terms, configuration: interface.configuration, peer: peer)
        linkIsUp(link, of: interface)
        state.withLock { state in
            if !state.hasEnded { state.inherited = regions }
        }
        return link
    }

    /// Faults in the regions of a link that another process has had. Frames need not wait for it: their
    /// pages are there already, and only our mapping lacks them.
    private func populateInherited() {
        for region in state.withLock({ exchange(&$0.inherited, with: []) }) {
            region.populate(on: loop, while: { [weak self] in self?.hasEnded == false }) {
                [weak self] problem in
                if let problem { self?.finish(problem) }
            }
        }
    }
}

internal import LinuxIO
internal import Memif
internal import Synchronization

extension MemifPort {
    var traffic: PortTraffic {
        state.withLock { state in
            var traffic = state.earlier
            let paused = pause.dropped
            traffic.pausedPackets += paused
            traffic.droppedPackets += paused
            if let (link, attachment) = state.link {
                traffic.add(link, attachment)
                traffic.isLinkUp = link.isUp
                if link.isUp { traffic.peer = PortPeer(link) }
            }
            return traffic
        }
    }

    var queues: [PortQueue] {
        guard let link = state.withLock({ $0.link?.link }), link.isUp else { return [] }
        let details = link.details
        return details.receiveQueues.map { PortQueue($0, isFromPeer: true) }
            + details.transmitQueues.map { PortQueue($0, isFromPeer: false) }
    }
}

extension PortPeer {
    init(_ link: MemifLink) {
        self.init(
            name: link.terms.peerName, process: link.peer?.process ?? 0,
            user: link.peer?.user ?? 0)
    }
}

extension PortQueue {
    init(_ queue: LinkDetails.Queue, isFromPeer: Bool) {
        let counters = queue.counters
        self.init(
            isFromPeer: isFromPeer, index: queue.index, ringSize: queue.ringSize,
            packets: counters.packets, bytes: counters.bytes, drops: counters.drops,
            fullBursts: counters.fullBursts, interrupts: counters.interrupts,
            sleeps: counters.sleeps)
    }
}

extension PortTraffic {
    /// Adds what went through a link.
    mutating func add(_ link: MemifLink, _ attachment: PacketAttachment?) {
        let received = link.received
        let sent = link.sent
        receivedPackets += received.packets
        receivedBytes += received.bytes
        sentPackets += sent.packets
        sentBytes += sent.bytes
        malformedPackets += received.drops + sent.drops
        droppedPackets += received.drops + sent.drops
        addUnsent(attachment?.unsentFrames ?? 0)
    }

    /// Adds frames for which there was no room.
    mutating func addUnsent(_ count: UInt64) {
        unsentPackets += count
        droppedPackets += count
    }
}

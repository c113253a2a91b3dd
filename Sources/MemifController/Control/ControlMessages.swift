internal import VirtwireProtocol
internal import XDR

extension virtwire_status_ret {
    init(_ status: ControllerStatus, uri: String) {
        self.init(
            libvirt_uri: XDRString(uri), libvirt_connected: status.connection == .connected,
            libvirt_error: XDRString(bounded: status.connection.problem),
            ports: status.ports.map { virtwire_port($0) })
    }
}

extension XDRString {
    /// A text that others may have made as long as they liked, cut so that no domain's words can take
    /// the status from all the others.
    ///
    /// - Parameter most: bytes, without the mark of a cut.
    init(bounded text: String, most: Int = 1024) {
        guard text.utf8.count > most else {
            self.init(text)
            return
        }
        var cut = ""
        for character in text.unicodeScalars {
            if cut.utf8.count + 4 > most { break }
            cut.unicodeScalars.append(character)
        }
        self.init(cut + "…")
    }
}

extension virtwire_port {
    init(_ report: PortReport) {
        let traffic = report.traffic
        self.init(
            vm_name: XDRString(bounded: report.domainName),
            vm_uuid: report.vm.wire,
            name: XDRString(report.name), socket_path: XDRString(report.path),
            mode: report.file?.mode ?? 0, uid: report.file?.user ?? 0, gid: report.file?.group ?? 0,
            state: XDRString(report.condition.state.rawValue),
            reason: XDRString(bounded: report.condition.reason),
            remedy: XDRString(bounded: report.condition.remedy),
            since_ms: UInt64(clamping: report.since),
            peer_name: XDRString(traffic.peer?.name ?? ""),
            peer_pid: UInt32(clamping: traffic.peer?.process ?? 0),
            peer_uid: traffic.peer?.user ?? 0, rx_packets: traffic.receivedPackets,
            rx_bytes: traffic.receivedBytes, tx_packets: traffic.sentPackets,
            tx_bytes: traffic.sentBytes, drops: traffic.droppedPackets,
            ready_latency_us: UInt64(clamping: report.latency?.microseconds ?? 0))
    }
}

extension virtwire_port_ret {
    init(_ details: PortDetails) {
        let declaration = details.declaration?.attributes.sorted { $0.key < $1.key } ?? []
        self.init(
            port: virtwire_port(details.report),
            declaration: declaration.map {
                virtwire_attribute(name: XDRString($0.key), value: XDRString($0.value))
            }, connects: details.report.traffic.connects,
            last_disconnect: XDRString(bounded: details.report.traffic.lastDisconnect ?? ""))
    }
}

extension virtwire_port_statistics {
    init(_ port: PortStatistics) {
        let traffic = port.traffic
        self.init(
            vm_name: XDRString(bounded: port.domainName), vm_uuid: port.vm.wire,
            name: XDRString(port.name), link_up: traffic.isLinkUp,
            rx_packets: traffic.receivedPackets, rx_bytes: traffic.receivedBytes,
            tx_packets: traffic.sentPackets, tx_bytes: traffic.sentBytes,
            drops: traffic.droppedPackets, connects: traffic.connects,
            disconnects: traffic.disconnects, refusals: traffic.refusals,
            queues: port.queues.map { virtwire_queue_statistics($0) })
    }
}

extension virtwire_queue_statistics {
    init(_ queue: PortQueue) {
        self.init(
            from_peer: queue.isFromPeer, index: UInt32(clamping: queue.index),
            ring_size: UInt32(clamping: queue.ringSize), packets: queue.packets,
            bytes: queue.bytes, drops: queue.drops, full_bursts: queue.fullBursts,
            interrupts: queue.interrupts, sleeps: queue.sleeps)
    }
}

extension virtwire_plan_step {
    init(_ step: PlanStep) {
        self.init(
            vm_name: XDRString(bounded: step.domainName), vm_uuid: step.vm.wire,
            name: XDRString(bounded: step.port), deed: XDRString(step.deed.rawValue),
            reason: XDRString(bounded: step.reason), remedy: XDRString(bounded: step.remedy))
    }
}

extension VMIdentifier {
    /// As it goes over the wire.
    var wire: virtwire_uuid { virtwire_uuid(bytes) ?? virtwire_uuid() }
}

extension ConnectionState {
    /// Why it does not stand; empty while it does.
    var problem: String {
        switch self {
        case .connected: ""
        case .connecting: "the first connection is being made"
        case .disconnected(let reason): reason
        }
    }
}

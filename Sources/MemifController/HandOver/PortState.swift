internal import LibvirtRPC
internal import LinuxIO
internal import Memif
internal import VirtwireProtocol
internal import XDR

/// A port that stands still, as another process needs it to go on with it.
public struct FrozenPort: Sendable {
    var state: virtwire_port_state
    /// The listener, then those of each link.
    var descriptors: PassedDescriptors
    /// What went through it.
    var traffic = PortTraffic()
    /// How it is, which is not for the port to say; nil where nobody has looked.
    var condition: DomainState.Dated?
}

extension virtwire_port_state {
    init(
        _ specification: PortSpecification, _ identity: FileIdentity, _ links: [LinkRecord],
        _ traffic: PortTraffic
    ) {
        let attributes = specification.declaration.attributes.sorted { $0.key < $1.key }
        self.init(
            vm_uuid: specification.vm.wire, vm_name: XDRString(specification.domainName),
            declaration: attributes.map {
                virtwire_attribute(name: XDRString($0.key), value: XDRString($0.value))
            },
            socket_path: XDRString(specification.path), device: UInt64(identity.device),
            inode: UInt64(identity.inode), serves: specification.admission.isServing,
            links: links.map { virtwire_link_state($0) }, rx_packets: traffic.receivedPackets,
            rx_bytes: traffic.receivedBytes, tx_packets: traffic.sentPackets,
            tx_bytes: traffic.sentBytes, drops: traffic.droppedPackets, connects: traffic.connects,
            last_disconnect: XDRString(bounded: traffic.lastDisconnect ?? ""))
    }
}

extension virtwire_link_state {
    init(_ record: LinkRecord) {
        let terms = record.terms
        self.init(
            id: terms.id, mode: UInt32(terms.mode.rawValue), peer_name: XDRString(terms.peerName),
            peer_interface_name: XDRString(terms.peerInterfaceName),
            line_size: UInt32(terms.layout.lineByteCount),
            rings: terms.rings.map { ring in
                virtwire_ring_state(
                    from_slave: ring.direction == .slaveToMaster, index: UInt32(ring.index),
                    region: UInt32(ring.region), offset: ring.offset,
                    log2_size: UInt32(ring.log2Size),
                    private_header_size: UInt32(ring.privateHeaderByteCount))
            },
            regions: record.regionByteCounts, has_peer: record.peer != nil,
            peer_pid: UInt32(bitPattern: record.peer?.process ?? 0),
            peer_uid: record.peer?.user ?? 0, peer_gid: record.peer?.group ?? 0)
    }
}

extension LinkRecord {
    /// Reads one. Whether its parts fit each other is for the memif core to say, which takes no other
    /// process's word for it.
    init(_ state: virtwire_link_state) throws(PortError) {
        let layouts = [RingLayout.lines64, .lines128]
        let mode = UInt8(exactly: state.mode).flatMap { InterfaceMode(rawValue: $0) }
        guard let mode, let layout = layouts.first(where: { $0.lineByteCount == state.line_size })
        else { throw .badState("a link of mode \(state.mode), lines of \(state.line_size)") }
        var rings: [ControlMessage.AddRing] = []
        for ring in state.rings { rings.append(try ControlMessage.AddRing(ring)) }
        self.init(
            terms: LinkTerms(
                id: state.id, mode: mode, peerName: state.peer_name.text,
                peerInterfaceName: state.peer_interface_name.text, layout: layout, rings: rings),
            regionByteCounts: state.regions,
            peer: state.has_peer
                ? PeerCredentials(
                    process: Int32(bitPattern: state.peer_pid), user: state.peer_uid,
                    group: state.peer_gid)
                : nil)
    }
}

extension ControlMessage.AddRing {
    fileprivate init(_ state: virtwire_ring_state) throws(PortError) {
        guard let index = UInt16(exactly: state.index), let region = UInt16(exactly: state.region),
            let log2Size = UInt8(exactly: state.log2_size),
            let header = UInt16(exactly: state.private_header_size)
        else { throw .badState("a ring that no slave can have announced") }
        self.init(
            direction: state.from_slave ? .slaveToMaster : .masterToSlave, index: index,
            region: region, offset: state.offset, log2Size: log2Size,
            privateHeaderByteCount: header)
    }
}

extension PortError {
    /// Descriptors have run out, or something as rare.
    static func noDescriptors(_ error: SystemError) -> PortError {
        PortError(
            reason: "the hand-over cannot be prepared: \(error)",
            remedy: "leave the daemon descriptors (LimitNOFILE=)")
    }

    /// What another process has left cannot be read.
    static func badState(_ what: String) -> PortError {
        PortError(
            reason: "the state that another virtwired left cannot be used: \(what)",
            remedy: "start virtwired without taking over; peers have to connect again")
    }
}

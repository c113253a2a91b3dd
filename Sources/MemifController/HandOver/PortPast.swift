internal import VirtwireProtocol
internal import XDR

extension virtwire_port_past {
    /// - Parameter dated: how the port is; nil where nobody has looked.
    init(_ traffic: PortTraffic, _ dated: DomainState.Dated?) {
        self.init(
            condition: XDRString(dated?.condition.state.rawValue ?? ""),
            reason: XDRString(bounded: dated?.condition.reason ?? ""),
            remedy: XDRString(bounded: dated?.condition.remedy ?? ""),
            since_ms: UInt64(clamping: dated?.since ?? 0),
            link_changed_ms: UInt64(clamping: traffic.linkChanged ?? 0),
            disconnects: traffic.disconnects, refusals: traffic.refusals,
            malformed: traffic.malformedPackets, unsent: traffic.unsentPackets,
            paused: traffic.pausedPackets)
    }

    /// How the port was; nil where nobody had looked.
    var dated: DomainState.Dated? {
        guard let state = PortCondition.State(rawValue: condition.text) else { return nil }
        return DomainState.Dated(
            condition: PortCondition(state, reason: reason.text, remedy: remedy.text),
            since: Int64(clamping: since_ms))
    }
}

extension PortTraffic {
    /// What went through a port in another process.
    ///
    /// - Parameter past: nil where that process was of a version that handed over less.
    init(_ state: virtwire_port_state, _ past: virtwire_port_past?) {
        receivedPackets = state.rx_packets
        receivedBytes = state.rx_bytes
        sentPackets = state.tx_packets
        sentBytes = state.tx_bytes
        droppedPackets = state.drops
        connects = state.connects
        let text = state.last_disconnect.text
        lastDisconnect = text.isEmpty ? nil : text
        guard let past else { return }
        malformedPackets = past.malformed
        unsentPackets = past.unsent
        pausedPackets = past.paused
        disconnects = past.disconnects
        refusals = past.refusals
        linkChanged = past.link_changed_ms == 0 ? nil : Int64(clamping: past.link_changed_ms)
    }
}

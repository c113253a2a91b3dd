internal import LibvirtProtocol
internal import LinuxIO
internal import Synchronization
internal import XDR

// Pings of our own. The peer's are answered where they arrive.
extension Link {
    func sendKeepalive(_ procedure: XDRProcedure<XDRVoid, XDRVoid>) {
        let header = virNetMessageHeader(
            procedure, .VIR_NET_MESSAGE, serial: 0, status: .VIR_NET_OK)
        if let frame = try? OutgoingFrame.encoding(header, XDRVoid()) { answer(frame) }
    }

    func schedulePing(_ policy: KeepalivePolicy) {
        timers.schedule(after: policy.interval) { [weak self] in self?.pingIfSilent(policy) }
    }

    /// A libvirt daemon that has its fill of a stream's packets reads nothing more, pings neither, until they
    /// have gone where they are to go: storage that stalls, or a guest that does not read, is no dead daemon.
    private var sendsOnStreams: Bool {
        state.withLock { $0.streams.values.contains(where: \.hasSent) }
    }

    /// How many times as long the peer of such a stream may be silent.
    private static let patienceWithStreams = 10

    private func pingIfSilent(_ policy: KeepalivePolicy) {
        guard failure == nil else { return }
        // What the peer says while nothing is read cannot be heard.
        if isPaused { silentIntervals.store(0, ordering: .relaxed) }
        // The interval that ends now is a whole one of silence unless something came in it.
        let silent = silentIntervals.add(1, ordering: .relaxed).oldValue
        if silent / (sendsOnStreams ? Self.patienceWithStreams : 1) > policy.count {
            carrier.close(.keepalive(silence: policy.interval * silent))
            return
        }
        if silent > 0 { sendKeepalive(Keepalive.PING) }
        schedulePing(policy)
    }
}

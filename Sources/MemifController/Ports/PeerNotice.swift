public import LinuxIO

/// A peer that has come to a port, or gone.
public struct PeerNotice: Sendable, Hashable {
    /// What has become of it.
    public enum Event: Sendable, Hashable {
        /// Its link is up.
        case connected
        /// Its link is over, for the reason given.
        case disconnected(String)
        /// It was turned away, or ended before its link was up.
        case refused(String)
    }

    /// The domain.
    public var vm: VMIdentifier
    /// The domain's name.
    public var domainName: String
    /// The port.
    public var port: String
    /// What has become of the peer.
    public var event: Event
    /// Who it is, as the kernel recorded at connect; nil where that is not known any more.
    public var peer: PeerCredentials?

    /// Makes a notice.
    public init(
        vm: VMIdentifier, domainName: String, port: String, event: Event, peer: PeerCredentials?
    ) {
        self.vm = vm
        self.domainName = domainName
        self.port = port
        self.event = event
        self.peer = peer
    }
}

extension AuditEvent {
    init(_ notice: PeerNotice) {
        let (kind, reason): (Kind, String?) =
            switch notice.event {
            case .connected: (.peerConnected, nil)
            case .disconnected(let reason): (.peerDisconnected, reason)
            case .refused(let reason): (.peerRefused, reason)
            }
        self.init(
            kind, notice.vm, notice.domainName, port: notice.port, reason: reason,
            by: notice.peer)
    }
}

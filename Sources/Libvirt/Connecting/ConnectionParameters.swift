internal import LibvirtRPC

/// How a connection was opened, so that another can be opened in the same way.
struct ConnectionParameters: Sendable {
    let target: ConnectionTarget
    let readOnly: Bool
    let keepalive: KeepalivePolicy?
    let authentication: AuthenticationOptions
    /// Whether others may be opened beside it.
    var allowsOthers = true
    /// What was answered when the first connection asked who logs in.
    var memory = CredentialMemory()

    var uri: LibvirtURI { target.uri }
}

/// What a connection is for.
enum ConnectionPurpose {
    case calls
    /// One stream or long call at a time. While nobody reads a stream nothing is read, pings included.
    case aside

    var configuration: LinkConfiguration {
        switch self {
        case .calls: LinkConfiguration()
        case .aside: LinkConfiguration(streamBackPressure: .stopsReading)
        }
    }
}

internal import LibvirtRPC

/// How a connection was opened, so that another can be opened in the same way.
struct ConnectionParameters: Sendable {
    let target: ConnectionTarget
    let readOnly: Bool
    let keepalive: KeepalivePolicy?
    let authentication: AuthenticationOptions

    var uri: LibvirtURI { target.uri }
}

/// What a connection is for.
enum ConnectionPurpose {
    case calls
    /// One stream at a time. While nobody reads it nothing is read, pings included.
    case streams

    var configuration: LinkConfiguration {
        switch self {
        case .calls: LinkConfiguration()
        case .streams: LinkConfiguration(streamBackPressure: .stopsReading)
        }
    }
}

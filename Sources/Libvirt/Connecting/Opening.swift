internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// What the server can do that the protocol lets a client ask for. Source: `libvirt_internal.h`.
struct ServerFeatures: OptionSet, Sendable {
    let rawValue: UInt32

    static let descriptorPassing = ServerFeatures(rawValue: 1 << 8)
    static let typedParameterStrings = ServerFeatures(rawValue: 1 << 9)
    static let keepalive = ServerFeatures(rawValue: 1 << 10)
    static let closeCallback = ServerFeatures(rawValue: 1 << 15)
    static let networkUpdateOrder = ServerFeatures(rawValue: 1 << 16)

    /// The number by which the feature is asked for.
    var number: Int32 { Int32(rawValue.trailingZeroBitCount) }
}

/// The first words with a daemon: authentication, keepalive, open, features.
///
/// Source: `remote_driver.c`, doRemoteOpen.
struct Opening {
    let uri: LibvirtURI
    let link: Link
    let readOnly: Bool
    let purpose: ConnectionPurpose
    let deadline: ContinuousClock.Instant?
    let authentication: AuthenticationOptions
    let memory: CredentialMemory

    /// For each step, when no deadline was given. ssh may have to ask a person for a password first.
    private var patience: Duration {
        switch uri.transport {
        case .unix, .tcp, .tls, .ext: .seconds(30)
        case .ssh, .libssh, .libssh2: .seconds(120)
        }
    }

    /// VIR_CONNECT_RO.
    private static let readOnlyFlag: UInt32 = 1

    func run() async throws(LibvirtError) -> ServerFeatures {
        try await authenticate()
        var features: ServerFeatures = []
        // Before OPEN; and it starts the server's pings, which the link answers always when it reads.
        if purpose == .calls, try await supports(.keepalive) { features.insert(.keepalive) }
        _ = try await call(
            Remote.CONNECT_OPEN,
            remote_connect_open_args(
                name: XDRString(uri.serverName), flags: readOnly ? Self.readOnlyFlag : 0))
        // What a connection beside another carries needs none, or was made up for the first one.
        if purpose == .aside { return [] }
        let others: [ServerFeatures] = [
            .closeCallback, .typedParameterStrings, .networkUpdateOrder,
        ]
        // The server does not know what is in between.
        if uri.transport == .unix, try await supports(.descriptorPassing) {
            features.insert(.descriptorPassing)
        }
        for feature in others where try await supports(feature) { features.insert(feature) }
        return features
    }

    private func supports(_ feature: ServerFeatures) async throws(LibvirtError) -> Bool {
        do throws(LibvirtError) {
            return try await call(
                Remote.CONNECT_SUPPORTS_FEATURE,
                remote_connect_supports_feature_args(feature: feature.number)
            ).supported != 0
        } catch {
            // A server that does not know the question does not have the feature.
            if error.code != nil { return false }
            throw error
        }
    }

    func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments
    ) async throws(LibvirtError) -> Result {
        try await call(procedure, arguments, until: deadline ?? .now + patience)
    }

    func call<Arguments, Result>(
        _ procedure: XDRProcedure<Arguments, Result>, _ arguments: Arguments,
        until deadline: ContinuousClock.Instant?
    ) async throws(LibvirtError) -> Result {
        do throws(RPCError) {
            return try await link.call(procedure, arguments, deadline: deadline)
        } catch {
            throw LibvirtError(error, uri: uri.description)
        }
    }
}

internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// Authentication, which comes before everything else that a daemon is asked.
///
/// Source: `remote_driver.c`, remoteAuthenticate.
extension Opening {
    /// Does whatever the daemon wants.
    func authenticate() async throws(LibvirtError) {
        do throws(LibvirtError) {
            try await satisfy()
        } catch {
            // What was answered may be wrong, or no longer right: the next one asks anew.
            if case .authentication = error.kind { memory.forget() }
            throw error
        }
    }

    private func satisfy() async throws(LibvirtError) {
        let offered: [remote_auth_type]
        do throws(LibvirtError) {
            offered = try await call(Remote.AUTH_LIST, XDRVoid()).types
        } catch {
            // A server that does not know the question knows no authentication.
            if case .unsupported = error.kind { return }
            throw error
        }
        let isOpen = offered.isEmpty || offered.contains(.REMOTE_AUTH_NONE)
        switch try wantedMethod() {
        case nil:
            if isOpen { return }
            if offered.contains(.REMOTE_AUTH_POLKIT) { return try await authenticateByPolkit() }
            if offered.contains(.REMOTE_AUTH_SASL) { return try await authenticateBySASL(nil) }
            let problem = "the daemon wants a way to authenticate that is not known here"
            throw failure(.init(.noMechanism(offered: offered.map(\.label), problem: problem)))
        case .polkit:
            // polkit only ever says who the client is: a daemon that does not ask knows enough.
            if isOpen { return }
            guard offered.contains(.REMOTE_AUTH_POLKIT) else {
                throw refused("polkit", offered)
            }
            try await authenticateByPolkit()
        case .sasl(let mechanism):
            guard offered.contains(.REMOTE_AUTH_SASL) else { throw refused("SASL", offered) }
            try await authenticateBySASL(mechanism)
        }
    }

    private func refused(_ wanted: String, _ offered: [remote_auth_type]) -> LibvirtError {
        let labels = offered.isEmpty ? ["nothing at all"] : offered.map(\.label)
        return failure(.init(.methodRefused(wanted: wanted, offered: labels)))
    }

    /// What the options ask for, else the URI.
    private func wantedMethod() throws(LibvirtError) -> AuthenticationOptions.Method? {
        if let method = authentication.method { return method }
        do throws(LibvirtURIError) {
            return try URIParameters.authentication(uri)
        } catch {
            throw LibvirtError(.invalidURI(error.description), uri: uri.description)
        }
    }

    private func authenticateByPolkit() async throws(LibvirtError) {
        do throws(LibvirtError) {
            // An agent may ask a person: however long that takes, it is no fault of the server's.
            _ = try await call(Remote.AUTH_POLKIT, XDRVoid(), until: deadline)
        } catch {
            guard case .server(let server) = error.kind else { throw error }
            let reason: AuthenticationError.Reason =
                switch server.code {
                case .authUnavailable: .noAgent(server)
                case .authCancelled: .declined
                default: .refused(server)
                }
            throw failure(.init(reason, mechanism: "polkit"), error.procedure)
        }
    }

    func failure(_ error: AuthenticationError, _ procedure: String? = nil) -> LibvirtError {
        LibvirtError(.authentication(error), procedure: procedure, uri: uri.description)
    }
}

extension remote_auth_type {
    fileprivate var label: String {
        switch self {
        case .REMOTE_AUTH_NONE: "nothing at all"
        case .REMOTE_AUTH_SASL: "SASL"
        case .REMOTE_AUTH_POLKIT: "polkit"
        default: "type \(rawValue)"
        }
    }
}

internal import LibvirtRPC

/// Where credentials come from: libvirt's file, the URI, and whoever the program asks.
extension Opening {
    private static let service = "libvirt"

    /// Finds what the mechanism needs.
    func credentials(
        for mechanism: String, wanting items: [CredentialRequest.Item]
    ) async throws(LibvirtError) -> Credentials {
        let host = uri.host ?? "localhost"
        let known = try knownCredentials(host: host)
        let wanted = known.missing(of: items)
        if wanted.isEmpty { return known }
        guard let source = authentication.credentials else {
            throw failure(.init(.credentialsMissing(wanted), mechanism: mechanism))
        }
        let request = CredentialRequest(
            mechanism: mechanism, service: Self.service, host: host,
            uri: uri.description, wanted: wanted, known: known)
        if let remembered = memory.answer(to: request) { return remembered }
        let given: Credentials?
        do {
            given = try await source(request)
        } catch is CancellationError {
            throw LibvirtError(
                RPCError(.cancelled(.notSent), procedure: "AUTH_SASL_START"),
                uri: uri.description)
        } catch {
            throw failure(.init(.sourceFailed("\(error)"), mechanism: mechanism))
        }
        guard let given else {
            throw failure(.init(.declined, mechanism: mechanism))
        }
        let credentials = given.filled(from: known)
        let missing = credentials.missing(of: wanted)
        guard missing.isEmpty else {
            throw failure(.init(.credentialsMissing(missing), mechanism: mechanism))
        }
        memory.keep(credentials, for: request)
        return credentials
    }

    private func knownCredentials(host: String) throws(LibvirtError) -> Credentials {
        var known = Credentials()
        if let path = AuthenticationFile.path(option: authentication.file, uri: uri) {
            do throws(AuthenticationError) {
                let file = try AuthenticationFile(path: path)
                known = try file.credentials(service: Self.service, host: host) ?? known
            } catch {
                throw failure(error)
            }
        }
        // With ssh the URI's user is ssh's. Elsewhere it is who logs in, and another user's password
        // is of no use to it.
        if uri.transport == .tls || uri.transport == .tcp, let user = uri.user {
            if known.name != nil, known.name != user { known = Credentials() }
            known.name = user
        }
        return known
    }
}

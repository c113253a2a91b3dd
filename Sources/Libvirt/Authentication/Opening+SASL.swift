internal import LibvirtProtocol
internal import LibvirtRPC
internal import XDR

/// SASL, carried by three procedures of the daemon's.
///
/// Source: `remote_driver.c`, remoteAuthSASL.
extension Opening {
    func authenticateBySASL(_ wanted: String?) async throws(LibvirtError) {
        let list = try await call(Remote.AUTH_SASL_INIT, XDRVoid()).mechlist.text
        let mechanism = try choose(from: SASLMechanism.names(in: list), wanted: wanted)
        let credentials = try await credentials(for: mechanism)
        let login = SASLLogin(
            name: credentials.name ?? "", password: credentials.password ?? "",
            authorizationName: credentials.authorizationName ?? "")
        let client: SASLClient
        do throws(SASLFault) {
            client = try SASLClient(mechanism, login)
        } catch {
            throw failure(
                .init(.invalidCredentials(error.problem), mechanism: mechanism.rawValue))
        }
        try await exchange(SASLExchange(client), mechanism, user: credentials.name)
    }

    private func exchange(
        _ exchange: consuming SASLExchange, _ mechanism: SASLMechanism, user: String?
    ) async throws(LibvirtError) {
        var action = exchange.start()
        while action != .finished {
            let reply = try await perform(action, mechanism, user: user)
            do throws(SASLFault) {
                action = try exchange.receive(reply.message, isComplete: reply.isComplete)
            } catch {
                throw failure(
                    .init(
                        .untrustworthy(error.problem), mechanism: mechanism.rawValue, user: user))
            }
        }
    }

    private func perform(
        _ action: SASLExchange.Action, _ mechanism: SASLMechanism, user: String?
    ) async throws(LibvirtError) -> (message: [UInt8]?, isComplete: Bool) {
        do throws(LibvirtError) {
            switch action {
            case .start(let words):
                let reply = try await call(
                    Remote.AUTH_SASL_START,
                    .init(
                        mech: XDRString(mechanism.rawValue), nil: words == nil ? 1 : 0,
                        data: words ?? []))
                return (reply.nil != 0 ? nil : reply.data, reply.complete != 0)
            case .step(let words):
                let reply = try await call(
                    Remote.AUTH_SASL_STEP,
                    .init(nil: words == nil ? 1 : 0, data: words ?? []))
                return (reply.nil != 0 ? nil : reply.data, reply.complete != 0)
            case .finished: return (nil, true)
            }
        } catch {
            guard case .server(let server) = error.kind else { throw error }
            throw failure(
                .init(.refused(server), mechanism: mechanism.rawValue, user: user),
                error.procedure)
        }
    }

    private func choose(
        from offered: [String], wanted: String?
    ) throws(LibvirtError) -> SASLMechanism {
        guard uri.transport.isConfidential else {
            throw noMechanism(
                offered,
                "over the \(uri.transport.rawValue) transport one is needed that protects the "
                    + "connection, which none of those spoken here does: use the tls, ssh or unix "
                    + "transport")
        }
        if let wanted {
            guard offered.contains(wanted) else {
                throw noMechanism(offered, "\(wanted) was asked for")
            }
            guard let mechanism = SASLMechanism(rawValue: wanted) else {
                throw noMechanism(offered, "\(wanted), which was asked for, is not spoken here")
            }
            return mechanism
        }
        guard let mechanism = SASLMechanism.strongest(of: offered) else {
            let ours = SASLMechanism.allCases.map(\.rawValue).joined(separator: ", ")
            throw noMechanism(
                offered,
                "those spoken here are \(ours): add one to the mech_list of its "
                    + "/etc/sasl2/libvirt.conf")
        }
        return mechanism
    }

    private func noMechanism(_ offered: [String], _ problem: String) -> LibvirtError {
        failure(.init(.noMechanism(offered: offered, problem: problem)))
    }
}

extension LibvirtURI.Transport {
    /// Whether nobody between the two ends can listen: what libvirt's client takes for secure.
    var isConfidential: Bool {
        switch self {
        case .unix, .tls, .ssh, .libssh, .libssh2: true
        case .tcp, .ext: false
        }
    }
}

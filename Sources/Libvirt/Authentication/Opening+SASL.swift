internal import LibvirtProtocol
internal import LibvirtRPC
internal import LinuxIO
internal import XDR

/// SASL, carried by three procedures of the daemon's.
///
/// Source: `remote_driver.c`, remoteAuthSASL.
extension Opening {
    func authenticateBySASL(_ wanted: String?) async throws(LibvirtError) {
        let list = try await call(Remote.AUTH_SASL_INIT, XDRVoid()).mechlist.text
        let offered = SASLMechanism.names(in: list)
        switch try choose(from: offered, wanted: wanted) {
        case .ours(let mechanism): try await authenticate(mechanism)
        #if CyrusSASL
            case .cyrus(let mechanisms):
                // Kerberos asks name servers and key servers, and waits: not on Swift's few threads.
                let started = Result { () throws(SystemError) in
                    try EventLoop.start(name: "libvirt-sasl")
                }
                let loop = try Connection.require(started, for: uri.description)
                defer { loop.stop() }
                try await withTaskExecutorPreference(loop) { () throws(LibvirtError) in
                    try await authenticateByCyrus(mechanisms)
                }
        #endif
        }
    }

    private func authenticate(_ mechanism: SASLMechanism) async throws(LibvirtError) {
        let credentials = try await credentials(
            for: mechanism.rawValue, wanting: mechanism.wanted)
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
            let reply = try await perform(action, mechanism.rawValue, user: user)
            do throws(SASLFault) {
                action = try exchange.receive(reply.message, isComplete: reply.isComplete)
            } catch {
                throw failure(
                    .init(
                        error.reason, mechanism: mechanism.rawValue, user: user))
            }
        }
    }

    func perform(
        _ action: SASLExchange.Action, _ mechanism: String, user: String?
    ) async throws(LibvirtError) -> (message: [UInt8]?, isComplete: Bool) {
        do throws(LibvirtError) {
            switch action {
            case .start(let words):
                let reply = try await call(
                    Remote.AUTH_SASL_START,
                    .init(
                        mech: XDRString(mechanism), nil: words == nil ? 1 : 0,
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
                .init(.refused(server), mechanism: mechanism, user: user),
                error.procedure)
        }
    }

    /// Who speaks, and which mechanism.
    private enum Choice {
        case ours(SASLMechanism)
        #if CyrusSASL
            case cyrus([String])
        #endif
    }

    private func choose(
        from offered: [String], wanted: String?
    ) throws(LibvirtError) -> Choice {
        if uri.transport == .ext {
            throw noMechanism(
                offered,
                "over the ext transport there is no login by SASL, as nothing says that the program keeps "
                    + "to itself what passes through it: use the tls, ssh or unix transport")
        }
        if let wanted, !offered.contains(wanted) {
            throw noMechanism(offered, "\(wanted) was asked for")
        }
        let candidates = (wanted.map { [$0] } ?? offered).filter(isSafe)
        if candidates.isEmpty, let refused = offered.first {
            throw noMechanism(
                offered,
                "\(wanted ?? refused) gives the password to whoever answers, and no_verify or "
                    + "known_hosts_verify=ignore lets that be anybody: verify the host, have the "
                    + "daemon offer SCRAM-SHA-256, or allow it in the program's "
                    + "AuthenticationOptions")
        }
        if uri.transport.isConfidential, let ours = SASLMechanism.strongest(of: candidates) {
            return .ours(ours)
        }
        #if CyrusSASL
            return .cyrus(candidates)
        #else
            guard uri.transport.isConfidential else {
                throw noMechanism(
                    offered,
                    "over the \(uri.transport.rawValue) transport one is needed that protects the "
                        + "connection: use the tls, ssh or unix transport, or build with the package "
                        + "trait CyrusSASL")
            }
            if let wanted {
                throw noMechanism(
                    offered,
                    "\(wanted), which was asked for, needs a build with the package trait CyrusSASL"
                )
            }
            let ours = SASLMechanism.allCases.map(\.rawValue).joined(separator: ", ")
            throw noMechanism(
                offered,
                "those spoken here are \(ours): add one to the mech_list of its "
                    + "/etc/sasl2/libvirt.conf, or build with the package trait CyrusSASL")
        #endif
    }

    /// Whether a mechanism can be used with a host that may be anybody.
    private func isSafe(_ mechanism: String) -> Bool {
        guard mechanism == "PLAIN" || mechanism == "LOGIN" else { return true }
        return authentication.givesPasswordToUnverifiedHosts || uri.verifiesHost
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

extension LibvirtURI {
    /// Whether the host has to prove that it is the one that is meant.
    fileprivate var verifiesHost: Bool {
        switch transport {
        // The kernel vouches for a socket's owner; and the others carry no passwords at all.
        case .unix, .tcp, .ext: true
        case .tls, .ssh, .libssh, .libssh2:
            (try? flag("no_verify")) != true && parameter("known_hosts_verify") != "ignore"
        }
    }
}

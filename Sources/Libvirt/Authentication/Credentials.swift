/// Who somebody is to a libvirt daemon, and how that is proved. Never printed with its password.
public struct Credentials: Hashable, Sendable {
    /// The user who logs in: `authname` in libvirt's files.
    public var name: String?
    /// The user's password.
    public var password: String?
    /// The user as whom to act, where that is somebody else: `username` in libvirt's files.
    public var authorizationName: String?
    /// The realm of the user, for mechanisms that have realms.
    public var realm: String?

    /// Sets what is known.
    public init(
        name: String? = nil, password: String? = nil, authorizationName: String? = nil,
        realm: String? = nil
    ) {
        self.name = name
        self.password = password
        self.authorizationName = authorizationName
        self.realm = realm
    }

    /// These, and what they lack from others.
    func filled(from others: Credentials) -> Credentials {
        Credentials(
            name: name ?? others.name, password: password ?? others.password,
            authorizationName: authorizationName ?? others.authorizationName,
            realm: realm ?? others.realm)
    }

    /// What of `wanted` is not known.
    func missing(of wanted: [CredentialRequest.Item]) -> [CredentialRequest.Item] {
        wanted.filter { item in
            switch item {
            case .name: (name ?? "").isEmpty
            case .password: (password ?? "").isEmpty
            }
        }
    }
}

extension Credentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The name alone.
    public var description: String { "credentials of \(name ?? "nobody named")" }

    /// The name alone: a password has no place in a log.
    public var debugDescription: String { description }

    /// Nothing: a password has no place in a dump.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What is asked when a daemon wants to know who somebody is and no file says so.
public struct CredentialRequest: Hashable, Sendable {
    /// Something that is wanted.
    public enum Item: String, Hashable, Sendable, CaseIterable {
        /// The user who logs in.
        case name = "authname"
        /// The user's password.
        case password = "password"
    }

    /// The SASL mechanism, such as `SCRAM-SHA-256`; with `PLAIN` the daemon gets to see the password.
    public let mechanism: String
    /// The service: `libvirt`.
    public let service: String
    /// The daemon's host; `localhost` for this one.
    public let host: String
    /// The connection's URI.
    public let uri: String
    /// What is wanted and not known yet.
    public let wanted: [Item]
    /// What is known already, from the configuration or from the URI.
    public let known: Credentials
}

/// How to authenticate, where the URI and libvirt's files do not say it all.
public struct AuthenticationOptions: Sendable {
    /// A way to authenticate.
    public enum Method: Hashable, Sendable {
        /// polkit on the daemon's host decides, and may ask the user.
        case polkit
        /// SASL, with the mechanism of this name, or the strongest one where it is nil.
        case sasl(mechanism: String?)
    }

    /// Asks for credentials; nil gives up. It may take its time: no deadline of a step runs meanwhile,
    /// but the daemon keeps only few places for clients that are not yet known (20 by default).
    public typealias Source =
        @Sendable (_ request: CredentialRequest) async throws -> Credentials?

    /// The only way that is accepted, ahead of the URI's `auth` parameter; nil takes what the daemon
    /// wants.
    public var method: Method?

    /// libvirt's file of credentials, ahead of `LIBVIRT_AUTH_FILE`, the URI's `authfile` parameter and
    /// the usual places.
    public var file: String?

    /// Asked for what no file has, once: the answer is kept in memory, as long as it is right, for the
    /// connections that are opened beside the first one or after it.
    public var credentials: Source?

    /// Whether a host may be given the password that has not proved who it is (`no_verify=1`,
    /// `known_hosts_verify=ignore`). With SCRAM nobody is given the password; PLAIN is refused to such a
    /// host unless this is set, as it may be anybody.
    public var givesPasswordToUnverifiedHosts: Bool

    /// Leaves everything to the URI and to libvirt's files unless told otherwise.
    public init(
        method: Method? = nil, file: String? = nil, givesPasswordToUnverifiedHosts: Bool = false,
        credentials: Source? = nil
    ) {
        self.method = method
        self.file = file
        self.givesPasswordToUnverifiedHosts = givesPasswordToUnverifiedHosts
        self.credentials = credentials
    }
}

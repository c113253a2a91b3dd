/// An authentication that failed.
public struct AuthenticationError: Error, Sendable {
    /// Why it failed.
    public enum Reason: Sendable {
        /// The daemon wants another way than the one asked for.
        case methodRefused(wanted: String, offered: [String])
        /// None of the daemon's SASL mechanisms can be used.
        case noMechanism(offered: [String], problem: String)
        /// Nobody said who logs in, or what the password is.
        case credentialsMissing([CredentialRequest.Item])
        /// A file of credentials cannot be used.
        case invalidFile(path: String, problem: String)
        /// The source of credentials failed, with these words.
        case sourceFailed(String)
        /// Whoever was asked for credentials, or for consent, declined.
        case declined
        /// polkit has nobody to ask: the user has no agent.
        case noAgent(LibvirtError.ServerError)
        /// The daemon says no.
        case refused(LibvirtError.ServerError)
        /// The daemon says no in the mechanism's own words, such as `invalid-proof`.
        case refusedInExchange(String)
        /// The credentials cannot be used with the mechanism.
        case invalidCredentials(String)
        /// The daemon does not keep to the mechanism's rules: it may be a fraud.
        case untrustworthy(String)
    }

    /// Why it failed.
    public let reason: Reason
    /// `polkit`, or the SASL mechanism; nil before one was chosen.
    public let mechanism: String?
    /// The user who was to log in; nil where that is not known.
    public let user: String?

    init(_ reason: Reason, mechanism: String? = nil, user: String? = nil) {
        self.reason = reason
        self.mechanism = mechanism
        self.user = user
    }

    /// What the daemon said, where it did.
    var serverError: LibvirtError.ServerError? {
        switch reason {
        case .noAgent(let error), .refused(let error): error
        default: nil
        }
    }
}

extension AuthenticationError {
    /// One sentence: what failed at whom, why, and what to do.
    func sentence(_ uri: String) -> String {
        let mechanism = mechanism ?? "SASL"
        switch reason {
        case .methodRefused(let wanted, let offered):
            return "the daemon at \(uri) does not authenticate by \(wanted), but by "
                + "\(offered.joined(separator: ", ")): change or remove the URI's auth parameter"
        case .noMechanism(let offered, let problem):
            let list = offered.isEmpty ? "no mechanism" : offered.joined(separator: ", ")
            return "cannot log in to \(uri): its daemon offers \(list), and \(problem)"
        case .credentialsMissing(let items):
            return "the daemon at \(uri) wants \(mechanism), and there is no "
                + "\(items.map(\.rawValue).joined(separator: " and no ")): put credentials into "
                + "libvirt's auth.conf (name the file with authfile=PATH or LIBVIRT_AUTH_FILE), or "
                + "have the program ask for them"
        case .invalidFile(let path, let problem):
            return "the credentials in \(path) cannot be used: \(problem)"
        case .sourceFailed(let words):
            return "cannot log in to \(uri): asking for the credentials failed: \(words)"
        case .declined:
            return "the login to \(uri) by \(mechanism) was cancelled by whoever was asked"
        case .noAgent(let error):
            return
                "polkit on the host of \(uri) has nobody to ask (\(error.message)): run pkttyagent "
                + "in a terminal of this session and try again, connect as root, join the group "
                + "libvirt, or connect read-only"
        case .refused(let error) where self.mechanism == "polkit":
            return "polkit does not admit this user to \(uri) (\(error.message)): connect as root, "
                + "join the group libvirt, or connect read-only"
        case .refused(let error): return refusal(uri, mechanism, error.message)
        case .refusedInExchange(let words): return refusal(uri, mechanism, words)
        case .invalidCredentials(let problem):
            return "cannot log in to \(uri) by \(mechanism): \(problem)"
        case .untrustworthy(let problem):
            return "the daemon at \(uri) cannot be trusted: in the login\(byUser) by \(mechanism) "
                + problem
        }
    }

    private func refusal(_ uri: String, _ mechanism: String, _ words: String) -> String {
        "the daemon at \(uri) refused the login\(byUser) by \(mechanism) (\(words)): the name or "
            + "the password is wrong, or it does not admit the user"
    }

    private var byUser: String { user.map { " of \"\($0)\"" } ?? "" }
}

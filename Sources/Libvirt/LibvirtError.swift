public import LibvirtProtocol
public import LibvirtRPC
public import LinuxIO
internal import XDR

/// What went wrong with a connection or a call, with everything that the server said.
public struct LibvirtError: Error, Sendable {
    /// What kind of thing went wrong.
    public enum Kind: Sendable {
        /// The server answered with an error of libvirt's.
        case server(ServerError)
        /// The server is too old, or its driver too simple, for this procedure.
        case unsupported(ServerError)
        /// The URI cannot be used.
        case invalidURI(String)
        /// The daemon does not admit us, or cannot be trusted.
        case authentication(AuthenticationError)
        /// No server was reached: each address that was tried, with its outcome.
        case unreachable([ConnectionAttempt])
        /// A file on this host could not be read or written.
        case file(SystemError)
        /// The call did not end with an answer: cancelled, too late, or the connection was lost.
        case call(RPCError)
    }

    /// An error as libvirt has it: `virError`.
    public struct ServerError: Hashable, Sendable {
        /// `virErrorNumber`.
        public let code: virErrorNumber
        /// Which part of libvirt says so: `virErrorDomain`.
        public let domain: virErrorDomain
        /// How bad it is: `virErrorLevel`.
        public let level: virErrorLevel
        /// The sentence, in the server's language and as it came: the error's `description` has it
        /// in a form that is safe to print.
        public let message: String
        /// The parts of the message as libvirt put them together; the first is its format.
        public let strings: [String?]
        /// Two numbers, -1 where they say nothing; the first is errno for `systemError`.
        public let integers: [Int32]
    }

    /// What kind of thing went wrong.
    public let kind: Kind
    /// The procedure called, such as `DOMAIN_CREATE_XML`; nil when there was none yet.
    public let procedure: String?
    /// The connection's URI.
    public let uri: String

    init(_ kind: Kind, procedure: String? = nil, uri: String) {
        self.kind = kind
        self.procedure = procedure
        self.uri = uri
    }

    /// The server's error number; nil when the error is not the server's.
    public var code: virErrorNumber? {
        switch kind {
        case .server(let error), .unsupported(let error): error.code
        case .authentication(let error): error.serverError?.code
        case .invalidURI, .unreachable, .file, .call: nil
        }
    }

    /// Whether the call may have been carried out although it gave no result.
    public var mayHaveRun: Bool {
        if case .call(let error) = kind { error.mayHaveRun } else { false }
    }

    /// Whether the same attempt must fail again until somebody changes something: the daemon does not admit
    /// us, the login is wrong, its socket may not be used, ssh or TLS does not trust the host, the URI cannot
    /// be used, the daemon does not know what is asked.
    public var isRefusal: Bool {
        switch kind {
        case .invalidURI, .unsupported: true
        case .authentication(let error):
            // Whoever is asked for credentials may be out of reach for a while.
            if case .sourceFailed = error.reason { false } else { true }
        case .server(let error): Self.refusals.contains(error.code)
        case .unreachable(let attempts): attempts.contains(where: \.isRefusal)
        case .file, .call: false
        }
    }

    /// `noConnect` is said of a driver that the daemon does not have.
    private static let refusals: Set<virErrorNumber> = [
        .noConnect, .authFailed, .authCancelled, .authUnavailable, .accessDenied,
        .operationDenied, .argumentUnsupported, .configUnsupported, .invalidArg,
    ]

    /// Whether the connection is gone, so that nothing more can be asked over it.
    public var isConnectionLost: Bool {
        guard case .call(let error) = kind, case .connectionLost = error.kind else { return false }
        return true
    }
}

/// An address that was tried, and what came of it.
public struct ConnectionAttempt: Hashable, Sendable, CustomStringConvertible {
    /// The address: a socket's path, or host and port.
    public let address: String
    /// Why it did not lead to a connection.
    public let problem: String
    /// Whether trying again cannot help until somebody changes something.
    public let isRefusal: Bool

    init(address: String, problem: String, isRefusal: Bool = false) {
        self.address = address
        self.problem = problem
        self.isRefusal = isRefusal
    }

    /// Address and problem.
    public var description: String { "\(address): \(problem)" }
}

extension LibvirtError {
    /// What a call over the RPC link ended with, told in libvirt's terms.
    init(_ error: RPCError, uri: String) {
        guard case .refused(let raw) = error.kind else {
            self.init(.call(error), procedure: error.procedure, uri: uri)
            return
        }
        let server = ServerError(raw)
        self.init(
            server.saysUnknownProcedure ? .unsupported(server) : .server(server),
            procedure: error.procedure, uri: uri)
    }
}

extension LibvirtError.ServerError {
    init(_ raw: virNetMessageError) {
        code = virErrorNumber(rawValue: raw.code)
        domain = virErrorDomain(rawValue: raw.domain)
        level = virErrorLevel(rawValue: raw.level)
        message = raw.message?.text ?? "error \(raw.code) without a message"
        strings = [raw.str1?.text, raw.str2?.text, raw.str3?.text]
        integers = [raw.int1, raw.int2]
    }

    /// libvirt has no number for it: its own client goes by domain, number and the message's start
    /// (`virnetclientprogram.c`).
    var saysUnknownProcedure: Bool {
        if code == .noSupport { return true }
        let isRPC = (domain == .rpc || domain == .remote) && code == .rpc
        return isRPC
            && (message.hasPrefix("unknown procedure") || message.hasPrefix("Cannot find program"))
    }
}

extension LibvirtError: CustomStringConvertible {
    /// One sentence: what failed, why, and what to do where that is known. Safe to print.
    public var description: String { sentence.printable }

    private var sentence: String {
        switch kind {
        case .server(let error):
            procedure.map { "\($0): \(error.message) (\(uri))" } ?? error.message
        case .unsupported(let error):
            "the server does not support \(procedure ?? "this"): \(error.message)"
        case .invalidURI(let problem): problem
        case .authentication(let error): error.sentence(uri)
        case .file(let error): error.description
        case .unreachable(let attempts):
            "cannot connect to \(uri): " + attempts.map(\.description).joined(separator: "; ")
        case .call(let error): "\(error) (\(uri))" + advice
        }
    }

    /// What to do, where that is not plain from the server's words.
    private var advice: String {
        switch (kind, procedure) {
        case (.call(let error), Remote.AUTH_LIST.name):
            if case .deadlineExceeded = error.kind {
                "; something accepted the connection and is silent: a daemon that hangs or has too "
                    + "many clients, or no libvirt daemon at all"
            } else {
                ""
            }
        default: ""
        }
    }
}

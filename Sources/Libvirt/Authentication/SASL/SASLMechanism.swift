/// The SASL mechanisms that are spoken here.
enum SASLMechanism: String, CaseIterable, Sendable {
    // Strongest first: this is the order of choice.
    case external = "EXTERNAL"
    case scramSHA512 = "SCRAM-SHA-512"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA1 = "SCRAM-SHA-1"
    case plain = "PLAIN"

    /// What it cannot do without.
    var wanted: [CredentialRequest.Item] { self == .external ? [] : [.name, .password] }

    /// The names in a daemon's list.
    ///
    /// - Parameter list: as `AUTH_SASL_INIT` returns it, separated by commas.
    static func names(in list: String) -> [String] {
        list.split { $0 == "," || $0 == " " }.prefix(longestList).map { $0.uppercased() }
    }

    /// More mechanisms than these are not looked at; there are some 40 in the registry.
    private static let longestList = 64

    /// The strongest of those that the daemon offers; nil where none of ours is among them.
    ///
    /// - Parameter offered: in capitals.
    static func strongest(of offered: [String]) -> SASLMechanism? {
        allCases.first { offered.contains($0.rawValue) }
    }
}

/// The client's side of one mechanism, whichever it is.
enum SASLClient: ~Copyable {
    case scram(ScramClient)
    /// A mechanism that says all it has to say at once, and whether it has.
    case single(message: [UInt8], isFinished: Bool)

    /// - Throws: `SASLFault` for names and passwords that the mechanism cannot carry.
    init(_ mechanism: SASLMechanism, _ login: SASLLogin) throws(SASLFault) {
        switch mechanism {
        case .scramSHA512: self = .scram(try ScramClient(.sha512, login))
        case .scramSHA256: self = .scram(try ScramClient(.sha256, login))
        case .scramSHA1: self = .scram(try ScramClient(.sha1, login))
        case .external:
            // RFC 4422, appendix A: as whom to act; nothing for whomever the carrier shows.
            let name = try login.checkedAuthorizationName()
            self = .single(message: Array(name.utf8), isFinished: false)
        case .plain:
            // RFC 4616, section 2.
            let name = try login.checkedName()
            let password = try login.checkedPassword()
            let fields = [try login.checkedAuthorizationName(), name, password]
            self = .single(
                message: Array(fields.map { Array($0.utf8) }.joined(separator: [0])),
                isFinished: false)
        }
    }

    /// Whether nothing more needs to be said or heard.
    var isFinished: Bool {
        switch self {
        case .scram(let client): client.isFinished
        case .single(_, let isFinished): isFinished
        }
    }

    /// The client's first words.
    mutating func start() -> [UInt8] {
        switch consume self {
        case .scram(var client):
            let message = client.start()
            self = .scram(client)
            return message
        case .single(let message, _):
            self = .single(message: message, isFinished: true)
            return message
        }
    }

    /// Takes a message of the server's.
    ///
    /// - Returns: what to answer; nil for nothing.
    mutating func receive(_ message: [UInt8]) throws(SASLFault) -> [UInt8]? {
        switch consume self {
        case .scram(var client):
            let answer: Result<[UInt8]?, SASLFault> = Result { () throws(SASLFault) in
                try client.receive(message)
            }
            self = .scram(client)
            return try answer.get()
        case .single(let words, let isFinished):
            self = .single(message: words, isFinished: isFinished)
            throw SASLFault("it goes on after the exchange has ended")
        }
    }
}

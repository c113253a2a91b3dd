/// The client's side of SCRAM, without channel binding: no carrier of libvirt's hands its bindings
/// to SASL, and a server could not check them.
///
/// Source: RFC 5802 section 5.
struct ScramClient: ~Copyable {
    private enum State {
        case unstarted
        case waitingForFirst
        case waitingForFinal(signature: [UInt8])
        case finished
        case failed
    }

    private let hash: ScramHash
    private let password: [UInt8]
    private let header: [UInt8]
    private let bareFirst: [UInt8]
    private let nonce: [UInt8]
    private var state = State.unstarted

    /// In bytes, before they are made text: 192 bits, more than anybody guesses or meets twice.
    private static let nonceLength = 24

    /// Makes a client.
    ///
    /// - Parameter nonce: printable and without commas; a fresh one unless a test says otherwise.
    /// - Throws: `SASLFault` for names and passwords that no server can hold.
    init(
        _ hash: ScramHash, _ login: SASLLogin, nonce: [UInt8] = ScramClient.freshNonce()
    ) throws(SASLFault) {
        let name = Self.escape(try login.checkedName())
        let secret = try login.checkedPassword()
        let authorization = try login.checkedAuthorizationName()
        self.hash = hash
        self.nonce = nonce
        password = Array(secret.utf8)
        header = Array("n,\(authorization.isEmpty ? "" : "a=" + Self.escape(authorization)),".utf8)
        bareFirst = Array("n=\(name),r=".utf8) + nonce
    }

    static func freshNonce() -> [UInt8] {
        var random = SystemRandomNumberGenerator()
        return Base64.encode(
            (0..<nonceLength).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    /// Whether the server has proved that it knows the user.
    var isFinished: Bool { if case .finished = state { true } else { false } }

    /// The client's first message.
    mutating func start() -> [UInt8] {
        state = .waitingForFirst
        return header + bareFirst
    }

    /// Takes a message of the server's.
    ///
    /// - Returns: what to answer; nil when the exchange is over.
    /// - Throws: `SASLFault`: the server cannot be trusted, or is none.
    mutating func receive(_ message: [UInt8]) throws(SASLFault) -> [UInt8]? {
        let current = state
        state = .failed
        switch current {
        case .waitingForFirst:
            let first = try ScramServerFirst(message, clientNonce: nonce)
            let bareFinal =
                Array("c=".utf8) + Base64.encode(header) + Array(",r=".utf8) + first.nonce
            let comma = [UInt8(ascii: ",")]
            let keys = hash.keys(
                password: password, salt: first.salt, iterations: first.iterations,
                authMessage: bareFirst + comma + message + comma + bareFinal)
            state = .waitingForFinal(signature: keys.serverSignature)
            return bareFinal + Array(",p=".utf8) + Base64.encode(keys.proof)
        case .waitingForFinal(let expected):
            let signature = try ScramServerFinal.signature(message)
            guard Self.areEqual(signature, expected) else {
                throw SASLFault("its signature is wrong: it does not know the user's password")
            }
            state = .finished
            return nil
        case .unstarted, .finished, .failed:
            throw SASLFault("it goes on after the exchange has ended")
        }
    }

    /// Compares without telling by the time taken where the difference is.
    private static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// A name in which no comma and no equals sign can be taken for the message's own.
    private static func escape(_ name: String) -> String {
        var text = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case ",": text += "=2C"
            case "=": text += "=3D"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}

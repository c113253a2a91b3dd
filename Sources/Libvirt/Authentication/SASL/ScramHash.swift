internal import Crypto

/// The hash of a SCRAM mechanism, and the arithmetic that is built on it.
///
/// Source: RFC 5802 section 3; RFC 7677 for SHA-256.
enum ScramHash: CaseIterable, Sendable {
    case sha1
    case sha256
    case sha512

    /// What both sides compute from the password.
    struct Keys: Equatable {
        /// What the client shows: ClientKey XOR ClientSignature.
        let proof: [UInt8]
        /// What only a server can show that knows the user's verifier.
        let serverSignature: [UInt8]
    }

    /// Computes proof and signature.
    ///
    /// - Parameter authMessage: all three messages so far, joined with commas.
    func keys(
        password: [UInt8], salt: [UInt8], iterations: Int, authMessage: [UInt8]
    ) -> Keys {
        switch self {
        case .sha1:
            Self.keys(Insecure.SHA1.self, password, salt, iterations, authMessage)
        case .sha256: Self.keys(SHA256.self, password, salt, iterations, authMessage)
        case .sha512: Self.keys(SHA512.self, password, salt, iterations, authMessage)
        }
    }

    private static func keys<Hash: HashFunction>(
        _: Hash.Type, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int,
        _ authMessage: [UInt8]
    ) -> Keys {
        let salted = SymmetricKey(
            data: saltedPassword(Hash.self, password, salt, iterations))
        let clientKey = Array(code(Hash.self, Array("Client Key".utf8), salted))
        let storedKey = SymmetricKey(data: Array(Hash.hash(data: clientKey)))
        let serverKey = SymmetricKey(data: Array(code(Hash.self, Array("Server Key".utf8), salted)))
        let signature = code(Hash.self, authMessage, storedKey)
        return Keys(
            proof: zip(clientKey, signature).map { $0 ^ $1 },
            serverSignature: Array(code(Hash.self, authMessage, serverKey)))
    }

    /// Hi() of RFC 5802: PBKDF2 with HMAC and one block.
    private static func saltedPassword<Hash: HashFunction>(
        _: Hash.Type, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int
    ) -> [UInt8] {
        // The key goes into the hash once; each round starts from a copy.
        let keyed = HMAC<Hash>(key: SymmetricKey(data: password))
        var round = Array(finish(keyed, salt + [0, 0, 0, 1]))
        var result = round
        for _ in 1..<max(iterations, 1) {
            let next = finish(keyed, round)
            for (index, byte) in next.enumerated() {
                round[index] = byte
                result[index] ^= byte
            }
        }
        return result
    }

    private static func finish<Hash: HashFunction>(
        _ keyed: HMAC<Hash>, _ bytes: [UInt8]
    ) -> HMAC<Hash>.MAC {
        var copy = keyed
        copy.update(data: bytes)
        return copy.finalize()
    }

    private static func code<Hash: HashFunction>(
        _: Hash.Type, _ bytes: [UInt8], _ key: SymmetricKey
    ) -> HMAC<Hash>.MAC {
        HMAC<Hash>.authenticationCode(for: bytes, using: key)
    }
}

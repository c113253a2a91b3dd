/// The server's first message: nonce, salt and count.
///
/// Source: RFC 5802 section 7, `server-first-message`.
struct ScramServerFirst: Equatable {
    /// Ours, and what the server has added to it.
    let nonce: [UInt8]
    let salt: [UInt8]
    let iterations: Int

    /// What a server may ask for. Fewer rounds make a stolen exchange cheap to try passwords on (RFC
    /// 7677 section 4), and a server that asks for more would have us compute for it.
    static let iterationLimits = 4096...1_000_000

    /// Reads the message.
    ///
    /// - Parameter clientNonce: what the server must have extended.
    init(_ message: [UInt8], clientNonce: [UInt8]) throws(SASLFault) {
        let fields = message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        if fields[0].starts(with: "m=".utf8) {
            throw SASLFault("it demands an extension of SCRAM that nobody has defined")
        }
        if let error = ScramServerFinal.error(in: fields[0]) { throw error }
        guard fields.count >= 3, let nonce = fields[0].value(of: "r"),
            let salt = fields[1].value(of: "s"), let count = fields[2].value(of: "i")
        else { throw SASLFault("its first message has no nonce, salt and iteration count") }
        guard nonce.starts(with: clientNonce), nonce.count > clientNonce.count else {
            throw SASLFault("its nonce does not extend ours")
        }
        guard nonce.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw SASLFault("its nonce has characters that are not printable")
        }
        guard let salt = Base64.decode(salt), !salt.isEmpty else {
            throw SASLFault("its salt is not base 64")
        }
        self.nonce = Array(nonce)
        self.salt = salt
        iterations = try Self.iterations(count)
    }

    private static func iterations(_ digits: ArraySlice<UInt8>) throws(SASLFault) -> Int {
        let text = String(decoding: digits.prefix(24), as: UTF8.self)
        let isNumber =
            !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 }
        guard isNumber else { throw SASLFault("its iteration count is no number") }
        guard digits.count < 24, let count = Int(text), iterationLimits ~= count else {
            throw SASLFault(
                "its iteration count is \(text), and only \(iterationLimits.lowerBound) to "
                    + "\(iterationLimits.upperBound) are accepted")
        }
        return count
    }
}

/// The server's last message: its signature, or its error.
enum ScramServerFinal {
    /// Reads the signature.
    ///
    /// Source: RFC 5802 section 7, `server-final-message`.
    static func signature(_ message: [UInt8]) throws(SASLFault) -> [UInt8] {
        let fields = message.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        if let error = error(in: fields[0]) { throw error }
        guard let text = fields[0].value(of: "v"), let signature = Base64.decode(text) else {
            throw SASLFault("its last message holds no signature")
        }
        return signature
    }

    fileprivate static func error(in field: ArraySlice<UInt8>) -> SASLFault? {
        guard let text = field.value(of: "e") else { return nil }
        return SASLFault(refusal: String(decoding: text, as: UTF8.self))
    }
}

extension ArraySlice<UInt8> {
    /// What follows `name=`; nil where that does not lead.
    fileprivate func value(of name: String) -> ArraySlice<UInt8>? {
        let prefix = "\(name)="
        return starts(with: prefix.utf8) ? dropFirst(prefix.utf8.count) : nil
    }
}

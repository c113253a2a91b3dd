@testable import Libvirt

/// What a server says in a SASL exchange, and the file that credentials come from.
enum SASLTarget {
    static func run(_ input: [UInt8]) throws(Finding) {
        var reader = InputReader(input)
        let choices: UInt8 = reader.take()
        switch choices & 3 {
        case 0: try readMessages(reader.takeRest())
        case 1: try exchange(ScramHash.allCases[Int(choices >> 2) % 3], &reader)
        case 2: try readBase64(reader.takeRest())
        default: readFile(String(decoding: reader.takeRest(), as: UTF8.self))
        }
    }

    private static let nonce = Array("rOprNGfwEbeRWgbNEkqO".utf8)

    private static func readMessages(_ message: [UInt8]) throws(Finding) {
        let text = String(decoding: message, as: UTF8.self)
        _ = SASLMechanism.strongest(of: SASLMechanism.names(in: text))
        _ = try? ScramServerFinal.signature(message)
        guard let first = try? ScramServerFirst(message, clientNonce: nonce) else { return }
        try require(first.nonce.starts(with: nonce), "a nonce that is not ours")
        try require(first.nonce.count > nonce.count, "a nonce that the server has no part in")
        try require(ScramServerFirst.iterationLimits ~= first.iterations, "a count out of bounds")
        try require(!first.salt.isEmpty, "no salt")
    }

    /// No server that does not know the password is believed, whatever it says.
    private static func exchange(_ hash: ScramHash, _ reader: inout InputReader) throws(Finding) {
        let login = SASLLogin(name: "user", password: "pencil")
        guard let client = try? ScramClient(hash, login, nonce: nonce) else {
            throw Finding("the client refuses its own login")
        }
        var exchange = SASLExchange(.scram(client))
        var action = exchange.start()
        while !reader.isAtEnd {
            let flags: UInt8 = reader.take()
            let message = reader.takeBytes(Int(reader.take(UInt8.self)))
            // As many rounds as a server may ask for would be all that is tried.
            if let first = try? ScramServerFirst(message, clientNonce: nonce),
                first.iterations > ScramServerFirst.iterationLimits.lowerBound
            {
                return
            }
            do throws(SASLFault) {
                action = try exchange.receive(
                    flags & 1 == 0 ? message : nil, isComplete: flags & 2 != 0)
            } catch {
                try require(!error.problem.contains("pencil"), "an error tells the password")
                return
            }
            try require(action != .finished, "a server was believed that knows no password")
        }
    }

    private static func readBase64(_ text: [UInt8]) throws(Finding) {
        if let bytes = Base64.decode(text) {
            try require(Base64.encode(bytes) == text, "one value has two spellings")
        }
        try require(Base64.decode(Base64.encode(text)) == text, "bytes are not the same again")
    }

    private static func readFile(_ text: String) {
        guard let file = try? AuthenticationFile(text: text, path: "auth.conf") else { return }
        _ = try? file.credentials(service: "libvirt", host: "host.example")
    }
}

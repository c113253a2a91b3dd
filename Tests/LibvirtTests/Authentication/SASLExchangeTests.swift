import Testing

@testable import Libvirt

@Suite("SASL exchanges")
struct SASLExchangeTests {
    private static let login = SASLLogin(name: "fred", password: "secret")

    private func plain() throws -> SASLExchange { SASLExchange(try SASLClient(.plain, Self.login)) }

    @Test("PLAIN says everything at once")
    func plainWords() throws {
        var exchange = try plain()
        #expect(exchange.start() == .start(Array("\0fred\0secret".utf8)))
        #expect(try exchange.receive(nil, isComplete: true) == .finished)
        var other = SASLExchange(
            try SASLClient(.plain, SASLLogin(name: "a", password: "b", authorizationName: "c")))
        #expect(other.start() == .start(Array("c\0a\0b".utf8)))
    }

    @Test("EXTERNAL says as whom to act, or empty words, which are not none")
    func external() throws {
        var exchange = SASLExchange(try SASLClient(.external, SASLLogin()))
        #expect(exchange.start() == .start([]))
        #expect(try exchange.receive([], isComplete: true) == .finished)
        var other = SASLExchange(
            try SASLClient(.external, SASLLogin(authorizationName: "fred")))
        #expect(other.start() == .start(Array("fred".utf8)))
    }

    /// A client at the point where the standard's example awaits the server's signature.
    private func scram() throws -> SASLExchange {
        let vector = ScramTests.vectors[0]
        var exchange = SASLExchange(
            .scram(
                try ScramClient(
                    .sha1, SASLLogin(name: "user", password: "pencil"),
                    nonce: Array(vector.nonce.utf8))))
        _ = exchange.start()
        let first = try exchange.receive(Array(vector.serverFirst.utf8), isComplete: false)
        #expect(first == .step(Array(vector.clientFinal.utf8)))
        return exchange
    }

    private static let signature = Array(ScramTests.vectors[0].serverFinal.utf8)

    @Test("a server may end together with its signature, or a turn later")
    func ends() throws {
        var atOnce = try scram()
        #expect(try atOnce.receive(Self.signature, isComplete: true) == .finished)
        var later = try scram()
        #expect(try later.receive(Self.signature, isComplete: false) == .step(nil))
        #expect(try later.receive(nil, isComplete: true) == .finished)
    }

    @Test("a server that admits us without its signature is a fraud")
    func tooEarly() throws {
        for words in [nil, [], Array("v=rmF9pqV8S7suAoZWja4dJRkFsKU=".utf8)] {
            var exchange = try scram()
            #expect(throws: SASLFault.self) { try exchange.receive(words, isComplete: true) }
        }
        var atStart = SASLExchange(try SASLClient(.scramSHA256, Self.login))
        _ = atStart.start()
        #expect(throws: SASLFault.self) { try atStart.receive(nil, isComplete: true) }
        var unproved = SASLExchange(
            .scram(
                try ScramClient(
                    .sha256, SASLLogin(name: "user", password: "pencil"),
                    nonce: Array(ScramTests.vectors[1].nonce.utf8))))
        _ = unproved.start()
        #expect(throws: SASLFault("it claims to be satisfied before it has proved who it is")) {
            try unproved.receive(Array(ScramTests.vectors[1].serverFirst.utf8), isComplete: true)
        }
    }

    @Test("a server that never ends is left")
    func endless() throws {
        var exchange = try plain()
        _ = exchange.start()
        #expect(try exchange.receive(nil, isComplete: false) == .step(nil))
        #expect(throws: SASLFault("it never ends the exchange")) {
            try exchange.receive(nil, isComplete: false)
        }
        var signed = try scram()
        _ = try signed.receive(Self.signature, isComplete: false)
        #expect(throws: SASLFault("it never ends the exchange")) {
            try signed.receive([], isComplete: false)
        }
    }

    @Test("words after the end")
    func afterwards() throws {
        for isComplete in [true, false] {
            var exchange = try plain()
            _ = exchange.start()
            #expect(throws: SASLFault("it goes on after the exchange has ended")) {
                try exchange.receive(Array("more".utf8), isComplete: isComplete)
            }
        }
    }

    @Test("the strongest that is offered is taken")
    func choice() {
        let names = SASLMechanism.names(in: "digest-md5,scram-sha-1,PLAIN SCRAM-SHA-256,,")
        #expect(names == ["DIGEST-MD5", "SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-256"])
        #expect(SASLMechanism.strongest(of: names) == .scramSHA256)
        #expect(SASLMechanism.strongest(of: ["PLAIN", "SCRAM-SHA-1"]) == .scramSHA1)
        #expect(SASLMechanism.strongest(of: ["GSSAPI", "SCRAM-SHA-256-PLUS"]) == nil)
        #expect(SASLMechanism.names(in: "").isEmpty)
        #expect(SASLMechanism.names(in: String(repeating: "x,", count: 10_000)).count <= 64)
    }

    @Test("base 64 has one spelling for each value")
    func base64() {
        for (text, plain) in [
            ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"),
        ] {
            #expect(Base64.encode(plain.utf8) == Array(text.utf8))
            #expect(Base64.decode(text.utf8) == Array(plain.utf8))
        }
        for wrong in [
            "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Z===", "Zm9v\n", "Zm-_", "Z=g=",
        ] {
            #expect(Base64.decode(wrong.utf8) == nil, "\(wrong)")
        }
        let every = (0...255).map { UInt8($0) }
        for count in 0...255 {
            #expect(Base64.decode(Base64.encode(every[..<count])) == Array(every[..<count]))
        }
    }
}

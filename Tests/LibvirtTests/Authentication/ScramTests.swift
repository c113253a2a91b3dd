import Testing

@testable import Libvirt

@Suite("SCRAM")
struct ScramTests {
    /// One exchange that is known to be right.
    struct Vector: Sendable, CustomTestStringConvertible {
        let hash: ScramHash
        let nonce: String
        let serverFirst: String
        let clientFinal: String
        let serverFinal: String

        var testDescription: String { "\(hash)" }
    }

    static let vectors = [
        // RFC 5802, section 5.
        Vector(
            hash: .sha1, nonce: "fyko+d2lbbFgONRv9qkxdawL",
            serverFirst:
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
            clientFinal: "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                + "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            serverFinal: "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="),
        // RFC 7677, section 3.
        Vector(
            hash: .sha256, nonce: "rOprNGfwEbeRWgbNEkqO",
            serverFirst: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            clientFinal: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                + "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            serverFinal: "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="),
    ]

    @Test("the examples of the standards", arguments: vectors)
    func standards(_ vector: Vector) throws {
        var client = try ScramClient(
            vector.hash, SASLLogin(name: "user", password: "pencil"),
            nonce: Array(vector.nonce.utf8))
        #expect(client.start() == Array("n,,n=user,r=\(vector.nonce)".utf8))
        let answer = try #require(try client.receive(Array(vector.serverFirst.utf8)))
        #expect(String(decoding: answer, as: UTF8.self) == vector.clientFinal)
        let isEarly = client.isFinished
        #expect(!isEarly)
        #expect(try client.receive(Array(vector.serverFinal.utf8)) == nil)
        let isFinished = client.isFinished
        #expect(isFinished)
    }

    /// RFC 5802 has no example with SHA-512: these bytes are Python's hashlib's.
    @Test("SHA-512 agrees with another implementation")
    func sha512() {
        let keys = ScramHash.sha512.keys(
            password: Array("pencil".utf8), salt: Array("0123456789abcdef".utf8),
            iterations: 4096, authMessage: Array("n=user,r=a,r=ab,s=c,i=4096,c=biws,r=ab".utf8))
        #expect(String(decoding: Base64.encode(keys.proof), as: UTF8.self) == Self.proof512)
        #expect(
            String(decoding: Base64.encode(keys.serverSignature), as: UTF8.self)
                == Self.signature512)
    }

    static let proof512 =
        "LlGXc1/BLE+eU7zZCDyd1onGvuPH8NhlLmDNHCd7jyTjv87lGz27vJ7L7uxw"
        + "q/aJh8EgdvaSFkFSS7a98+lwMw=="
    static let signature512 =
        "MZQ0YkfsLVj/vADK0I4S7kIK2PYd+y/5ub844cUimplHRar8dL3VU253QYgS"
        + "+zF5K2ccmp2rhRu8QoxHoaGuaQ=="

    @Test("commas and equals signs in names are escaped, and another's name leads")
    func names() throws {
        let login = SASLLogin(name: "a=b,c", password: "x", authorizationName: "d,e")
        var client = try ScramClient(.sha256, login, nonce: Array("N".utf8))
        #expect(client.start() == Array("n,a=d=2Ce,n=a=3Db=2Cc,r=N".utf8))
    }

    @Test("two clients never begin alike")
    func nonces() {
        let nonces = Set((0..<100).map { _ in ScramClient.freshNonce() })
        #expect(nonces.count == 100)
        #expect(nonces.allSatisfy { $0.count == 32 && !$0.contains(UInt8(ascii: ",")) })
    }

    @Test(
        "a first message that no honest server sends",
        arguments: [
            ("", "no nonce, salt and iteration count"),
            ("r=NONCEx", "no nonce, salt and iteration count"),
            ("r=NONCEx,s=QUJD", "no nonce, salt and iteration count"),
            ("s=QUJD,r=NONCEx,i=4096", "no nonce, salt and iteration count"),
            ("r=NONCE,s=QUJD,i=4096", "does not extend ours"),
            ("r=xNONCE,s=QUJD,i=4096", "does not extend ours"),
            ("r=,s=QUJD,i=4096", "does not extend ours"),
            ("r=NONCE\u{1}x,s=QUJD,i=4096", "not printable"),
            ("r=NONCEé,s=QUJD,i=4096", "not printable"),
            ("r=NONCEx,s=,i=4096", "salt is not base 64"),
            ("r=NONCEx,s=QUJ,i=4096", "salt is not base 64"),
            ("r=NONCEx,s=QUJE=,i=4096", "salt is not base 64"),
            ("r=NONCEx,s=QU D,i=4096", "salt is not base 64"),
            ("r=NONCEx,s=QR==,i=4096", "salt is not base 64"),
            ("r=NONCEx,s=QUJD,i=", "no number"),
            ("r=NONCEx,s=QUJD,i=-4096", "no number"),
            ("r=NONCEx,s=QUJD,i=0x1000", "no number"),
            ("r=NONCEx,s=QUJD,i=0", "only 4096 to 1000000"),
            ("r=NONCEx,s=QUJD,i=1", "only 4096 to 1000000"),
            ("r=NONCEx,s=QUJD,i=4095", "only 4096 to 1000000"),
            ("r=NONCEx,s=QUJD,i=1000001", "only 4096 to 1000000"),
            ("r=NONCEx,s=QUJD,i=4294967296", "only 4096 to 1000000"),
            ("r=NONCEx,s=QUJD,i=99999999999999999999999999999", "only 4096 to 1000000"),
            ("m=new,r=NONCEx,s=QUJD,i=4096", "extension"),
            ("e=unknown-user", "ended the exchange: unknown-user"),
        ])
    func hostileFirst(_ message: String, _ problem: String) throws {
        var client = try ScramClient(
            .sha1, SASLLogin(name: "user", password: "pencil"), nonce: Array("NONCE".utf8))
        _ = client.start()
        do {
            _ = try client.receive(Array(message.utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.problem.contains(problem), "\(error.problem)")
        }
        // A machine that has failed stays failed.
        #expect(throws: SASLFault.self) {
            try client.receive(Array("r=NONCEx,s=QUJD,i=4096".utf8))
        }
        let isFinished = client.isFinished
        #expect(!isFinished)
    }

    @Test(
        "a last message that proves nothing",
        arguments: [
            ("v=rmF9pqV8S7suAoZWja4dJRkFsKR=", "holds no signature"),
            ("v=rmF9pqV8S7suAoZWja4dJRkFsKU=", "signature is wrong"),
            ("v=", "signature is wrong"),
            ("v=rmF9", "signature is wrong"),
            ("", "holds no signature"),
            ("x=1", "holds no signature"),
            ("e=invalid-proof", "ended the exchange: invalid-proof"),
        ])
    func hostileFinal(_ message: String, _ problem: String) throws {
        let vector = Self.vectors[0]
        var client = try ScramClient(
            vector.hash, SASLLogin(name: "user", password: "pencil"),
            nonce: Array(vector.nonce.utf8))
        _ = client.start()
        _ = try client.receive(Array(vector.serverFirst.utf8))
        do {
            _ = try client.receive(Array(message.utf8))
            Issue.record("accepted")
        } catch {
            #expect(error.problem.contains(problem), "\(error.problem)")
        }
        let isFinished = client.isFinished
        #expect(!isFinished)
    }

    @Test("names and passwords that cannot be sent")
    func unusable() {
        for login in [
            SASLLogin(name: "", password: "x"), SASLLogin(name: "x", password: ""),
            SASLLogin(name: "a\u{0}b", password: "x"), SASLLogin(name: "x", password: "a\nb"),
            SASLLogin(name: "x", password: "x", authorizationName: "\u{7F}"),
        ] {
            #expect(throws: SASLFault.self) { _ = try SASLClient(.plain, login).isFinished }
            #expect(throws: SASLFault.self) { _ = try SASLClient(.scramSHA256, login).isFinished }
        }
    }
}

import Memif
import Testing

@Suite("Secrets")
struct SecretTests {
    @Test("a secret has 1 to 24 bytes", arguments: ["", String(repeating: "x", count: 25), "a\0b"])
    func lengths(_ text: String) {
        #expect(throws: MemifError.self) { try Secret(text) }
    }

    @Test("24 bytes are a secret, and equal ones are equal")
    func equality() throws {
        let text = String(repeating: "x", count: 24)
        #expect(try Secret(text) == Secret(text))
        #expect(try Secret(text) != Secret(String(text.dropLast())))
        #expect(try Secret("a") != Secret("b"))
    }

    @Test("what a peer left behind the NUL does not count")
    func garbage() throws {
        var bytes = ControlMessage.initialize(
            ControlMessage.Initialize(id: 0, secret: try Secret("key"), name: "")
        ).encoded()
        // The field begins at 9; "key" and its NUL take four bytes.
        for index in 13..<33 { bytes[index] = 0xA5 }
        guard case .initialize(let decoded) = try ControlMessage(decoding: bytes) else {
            Issue.record("not an INIT")
            return
        }
        #expect(decoded.secret == (try Secret("key")))
    }

    @Test("nothing that is printed shows it")
    func printing() throws {
        let secret = try Secret("hush-hush")
        var configuration = InterfaceConfiguration()
        configuration.secret = secret
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\(configuration)", dumped] {
            #expect(!text.contains("hush"))
            #expect(!text.contains("104"))  // its first byte
        }
    }
}

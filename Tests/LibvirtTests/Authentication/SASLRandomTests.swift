import Testing

@testable import Libvirt

/// What a server may say is without limit; what is believed is not.
@Suite("SASL, with words at random")
struct SASLRandomTests {
    private static let rounds = 20_000

    /// A right message with a few bytes changed, dropped, doubled or cut.
    private func spoiled(
        _ message: String, _ random: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = Array(message.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(bytes[place], at: place)
            case 3: bytes[place] = Array(",=rsivmen0".utf8).randomElement(using: &random) ?? 0
            default: bytes.removeSubrange(place...)
            }
        }
        return bytes
    }

    @Test("a first message is refused, or it is what the standard allows")
    func first() {
        var random = SeededGenerator("SASLRandomTests.first")
        let nonce = Array("fyko+d2lbbFgONRv9qkxdawL".utf8)
        var accepted = 0
        for _ in 0..<Self.rounds {
            let message = spoiled(ScramTests.vectors[0].serverFirst, &random)
            guard let first = try? ScramServerFirst(message, clientNonce: nonce) else { continue }
            accepted += 1
            #expect(first.nonce.starts(with: nonce) && first.nonce.count > nonce.count)
            #expect(!first.nonce.contains(UInt8(ascii: ",")))
            #expect(!first.salt.isEmpty && first.salt.count <= message.count)
            #expect(ScramServerFirst.iterationLimits.contains(first.iterations))
        }
        // Some changes leave a message that is as good as the first.
        #expect(0 < accepted && accepted < Self.rounds)
    }

    @Test("no last message but the right one is believed")
    func last() throws {
        var random = SeededGenerator("SASLRandomTests.last")
        let right = Array(ScramTests.vectors[0].serverFinal.utf8)
        let signature = try ScramServerFinal.signature(right)
        for _ in 0..<Self.rounds {
            let message = spoiled(ScramTests.vectors[0].serverFinal, &random)
            let read = try? ScramServerFinal.signature(message)
            // What follows a comma is an extension, which the standard has us ignore.
            let parts = message.split(
                separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            let isRight = parts.first.map(Array.init) == right
            #expect((read == signature) == isRight)
        }
    }

    @Test("a file of credentials is read, or refused with its name")
    func files() {
        var random = SeededGenerator("SASLRandomTests.files")
        let text = """
            # a comment
            [credentials-a]
            authname=fred
            password=secret
            [auth-libvirt-host]
            credentials=a
            """
        for _ in 0..<2_000 {
            let spoiled = String(decoding: spoiled(text, &random), as: UTF8.self)
            do throws(AuthenticationError) {
                let file = try AuthenticationFile(text: spoiled, path: "auth.conf")
                _ = try file.credentials(service: "libvirt", host: "host")
            } catch {
                #expect(error.sentence("test:///").hasPrefix("the credentials in auth.conf "))
                #expect(!error.sentence("test:///").contains("secret"))
            }
        }
    }
}

import Memif
import Testing

@testable import virtwire

@Suite("A bench's frames")
struct FramesTests {
    let from = IPv4Address("192.0.2.2")
    let to = IPv4Address("192.0.2.1")

    @Test(
        "are answered by a responder, and its answers are known again", arguments: [42, 43, 1500])
    func responder(size: Int) throws {
        let (from, to) = (try #require(from), try #require(to))
        let responder = Responder(address: to)
        let reply = try #require(responder.answer(to: Frames.whoHas(to, from)))
        let neighbour = try #require(Frames.hardwareAddress(inReply: reply, for: to))
        #expect(neighbour == responder.hardwareAddress)
        #expect(Frames.hardwareAddress(inReply: reply, for: from) == nil)

        let echo = Echo(from: from, to: to, at: neighbour, number: 258)
        let request = Frames.echoRequest(echo, byteCount: size)
        #expect(request.count == size)
        let answer = try #require(responder.answer(to: request))
        #expect(Frames.isReply(answer, to: echo))
        #expect(!Frames.isReply(request, to: echo))
        #expect(!Frames.isReply(answer, to: Echo(from: from, to: to, at: neighbour, number: 259)))
    }

    @Test("of no meaning have the length asked for and tell their number")
    func plain() {
        #expect(Frames.plain(byteCount: 60, number: 1).count == 60)
        #expect(Frames.plain(byteCount: 3, number: 1).count == 3)
        #expect(Frames.plain(byteCount: 60, number: 1) != Frames.plain(byteCount: 60, number: 2))
    }

    @Test("carry the Internet checksum of RFC 1071's own example")
    func checksum() {
        #expect(Frames.checksum([0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7]) == ~0xDDF2)
        #expect(Frames.checksum([0x01]) == ~0x0100)
    }
}

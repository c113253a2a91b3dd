import LinuxIO
import Memif
import MemifTesting
import Testing

/// The raw parts that tests play odd peers with. Without any time at all, they look once.
@Suite("A raw peer whose time is over", .timeLimit(.minutes(4)))
struct RawPeerTests {
    @Test("still takes what is there, and only then gives up")
    func late() async throws {
        let directory = try TemporaryDirectory()
        let master = try RawMaster(at: directory.address())
        await #expect(throws: RawPeerError.self) { _ = try await master.accept(within: .zero) }
        let slave = try RawPeer(connectingTo: directory.address())
        let peer = try await master.accept(within: .zero)
        await #expect(throws: RawPeerError.self) { _ = try await slave.receive(within: .zero) }
        try peer.send(.acknowledge)
        let name = try await slave.receive(within: .zero)?.message.name
        #expect(name == "ACK")
        peer.hangUp()
        let isClosed = try await slave.receive(within: .zero) == nil
        #expect(isClosed)
    }

    @Test("a condition that holds by the limit has been waited for")
    func condition() async throws {
        var looks = 0
        try await eventually(within: .zero, "it holds") {
            looks += 1
            return true
        }
        #expect(looks == 1)
    }
}

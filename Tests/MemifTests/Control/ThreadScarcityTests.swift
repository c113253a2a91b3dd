import CountedAllocations
import Glibc
import LinuxIO
import MemifTesting
import Testing

@testable import Memif

/// A user who connects gets a thread on which is closed what they pass, and there may be no room for it.
///
/// In a process of its own, and all on one thread: Swift's runtime would want some as well.
@Suite("Threads that run out", .timeLimit(.minutes(4)))
struct ThreadScarcityTests {
    @Test("a master lets nobody in without one, says so, and does as soon as there is room")
    func master() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                let scene = try ThreadScarcity()
                let interface = try scene.socket.add(InterfaceConfiguration())
                defer { interface.remove() }
                try #require(refuse_threads() == 0)
                let early = try UnixSocket.connect(to: scene.address, kind: .messages)
                guard case .disconnect(let reason) = try scene.hear(early) else {
                    throw Scarcity("no DISCONNECT came")
                }
                try #require(reason.code == .systemFailure)
                try #require(reason.text.hasPrefix("cannot start a thread disposal: "))
                try #require(allow_threads() == 0)
                let late = try UnixSocket.connect(to: scene.address, kind: .messages)
                guard case .hello = try scene.hear(late) else { throw Scarcity("no HELLO came") }
            }
        }
    }

    @Test("a slave waits for one before it goes through the handshake")
    func slave() async {
        await #expect(processExitsWith: .success) {
            try await onThread {
                let scene = try ThreadScarcity()
                let interface = try scene.socket.add(InterfaceConfiguration())
                try #require(refuse_threads() == 0)
                let slave = try MemifInterface.connect(
                    to: scene.address, InterfaceConfiguration(), on: scene.loop,
                    reconnect: .eager, handshakeTimeout: .seconds(120))
                try scene.loop.turn(until: "the slave has tried") { slave.lastEnd != nil }
                let end = try unwrap(slave.lastEnd)
                try #require(end.cause == .system, "\(end)")
                try #require(end.reason.text.hasPrefix("cannot start a thread disposal: "))
                try #require(allow_threads() == 0)
                try scene.loop.turn(until: "there is a link") {
                    slave.link != nil && interface.link != nil
                }
                slave.remove()
            }
        }
    }
}

private struct ThreadScarcity {
    let address: UnixAddress
    let loop: EventLoop
    let socket: MasterSocket

    init() throws {
        address = try UnixAddress(
            abstract: "virtwire-test-\(UInt64.random(in: 0...UInt64.max))")
        loop = try EventLoop.unattended()
        socket = try MasterSocket.listen(at: address, on: loop, options: .patient)
    }

    /// The next message that comes.
    func hear(_ peer: borrowing UnixSocket) throws -> ControlMessage {
        var bytes = ControlMessage.Bytes(repeating: 0)
        for _ in 0..<20_000 {
            var span = bytes.mutableSpan
            // SAFETY: every byte pattern is a value of `UInt8`, which has no padding.
            var room = unsafe span.mutableBytes
            if try peer.receive(into: &room) != nil { return try ControlMessage(decoding: bytes) }
            try loop.turn()
        }
        throw Scarcity("no message came")
    }
}

import Glibc
import LinuxIO
import MemifTesting
import Testing
import VirtwireProtocol
import XDR

@testable import MemifController

@Suite("virtwired's control socket under attack", .serialized)
struct ControlAttackTests {
    /// A call of STATUS, as it is on the wire: length, program, version, procedure, type, serial, status.
    private static let statusCall: [UInt8] = [
        UInt32(28), Virtwire.program, 1, UInt32(Virtwire.STATUS.number), 0, 7, 0,
    ].flatMap { word in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: word >> $0) } }

    @Test("a client that asks for ever and never reads is let go, and has cost little memory")
    func neverReads() async throws {
        let daemon = try await DaemonProcess(in: Scratch())
        let socket = try UnixSocket.connect(
            to: UnixAddress(path: daemon.layout.controlSocket), kind: .stream)
        let calls = (0..<256).flatMap { _ in Self.statusCall }
        let before = daemon.residentKilobytes
        // Whole calls or parts of them: what was not taken is left out, and the stream is garbage then.
        let isLetGo = await eventually(within: .seconds(30)) {
            do {
                while try unsafe socket.send(calls.span.bytes) != nil {}
                return false
            } catch {
                return true
            }
        }
        #expect(isLetGo)
        #expect(daemon.residentKilobytes - before < 64 * 1024)
        try await end(daemon)
    }

    @Test("garbage is answered with the end of the connection")
    func garbage() async throws {
        let daemon = try await DaemonProcess(in: Scratch())
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        let address = try UnixAddress(path: daemon.layout.controlSocket)
        for round in 0..<100 {
            let socket = try UnixSocket.connect(to: address, kind: .stream)
            var bytes = Self.statusCall
            switch round % 3 {
            case 0: bytes = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) }
            case 1: bytes[Int.random(in: 0..<4, using: &random)] ^= 0x80
            default: bytes = Array("GET / HTTP/1.1\r\n\r\n".utf8)
            }
            _ = try? unsafe socket.send(bytes.span.bytes)
        }
        #expect(
            await eventually { (try? await RealDaemon.status(daemon.layout)) != nil }, "\(seed)")
        try await end(daemon)
    }

    @Test("a thousand clients that say nothing are bounded, and leave nothing when they go")
    func crowd() async throws {
        let daemon = try await DaemonProcess(in: Scratch())
        let before = daemon.descriptorCount
        let crowd = try Crowd(1000, at: daemon.layout.controlSocket)
        #expect(await eventually { daemon.descriptorCount > before + 100 })
        #expect(daemon.descriptorCount < before + 300)
        crowd.leave()
        // The daemon's own: it answers before it has opened all that it will, and goes on looking for
        // its libvirt. A crowd that left anything behind would have left a hundred.
        #expect(await eventually { daemon.descriptorCount <= before + 8 })
        try await end(daemon)
    }

    private func end(_ daemon: DaemonProcess) async throws {
        #expect((try? await RealDaemon.status(daemon.layout)) != nil)
        daemon.process.signal(SIGTERM)
        #expect(await daemon.process.waitForEnd() == 0)
    }
}

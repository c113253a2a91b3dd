import Foundation
import Libvirt
import LinuxIO
import Testing

/// What a connection says when there is something else where libvirt should be.
@Suite("Bad peers and bad addresses") struct BadPeerTests {
    /// A listener that gives every client these bytes and then, if it is to, the end of the stream.
    private func withPeer(
        sending bytes: [UInt8], thenCloses: Bool = false, _ body: (String) async throws -> Void
    ) async throws {
        let path =
            NSTemporaryDirectory() + "bad-" + String(UInt32.random(in: 0...(.max)), radix: 36)
        let listener = try UnixListener.bind(to: try UnixAddress(path: path), kind: .stream)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let held = Held()
        let server = Task.detached { [listener = Box(listener)] in
            while !Task.isCancelled {
                guard let socket = try? listener.value.accept() else {
                    await Task.yield()
                    continue
                }
                _ = try? socket.send(bytes.span.bytesOfBytes)
                if thenCloses { socket.shutdown() }
                held.keep(socket)
            }
        }
        defer { server.cancel() }
        try await body(path)
    }

    private func message(of uri: String) async -> String {
        do {
            _ = try await Connection.open(uri, deadline: .now + .seconds(10))
            return "connected"
        } catch {
            return error.description
        }
    }

    @Test func aPeerThatSpeaksHTTP() async throws {
        try await withPeer(sending: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)) { path in
            let message = await message(of: "test+unix:///default?socket=\(path)")
            #expect(message.contains("the peer speaks HTTP, not libvirt's RPC"))
        }
    }

    @Test func aFrameLongerThanAllowed() async throws {
        try await withPeer(sending: [0x02, 0x00, 0x00, 0x05] + [UInt8](repeating: 0, count: 24)) {
            path in
            let message = await message(of: "test+unix:///default?socket=\(path)")
            #expect(message.contains("its length is 33554437, allowed are 28 to 33554436 bytes"))
            #expect(message.contains("at byte 0 of the stream"))
        }
    }

    @Test func aFrameThatEndsTooSoon() async throws {
        try await withPeer(sending: [0, 0, 0, 64, 0x20, 0, 0x80, 0x86], thenCloses: true) { path in
            let message = await message(of: "test+unix:///default?socket=\(path)")
            #expect(message.contains("ended in the middle of the frame"))
            #expect(message.contains("after 8 of 64 bytes"))
        }
    }

    @Test func aPeerThatNeverAnswers() async throws {
        try await withPeer(sending: []) { path in
            let error = await #expect(throws: LibvirtError.self) {
                try await Connection.open(
                    "test+unix:///default?socket=\(path)", deadline: .now + .milliseconds(50))
            }
            #expect(error?.description.contains("did not end in time") == true)
        }
    }

    @Test func noDaemon() async {
        let message = await message(of: "test+unix:///default?socket=/nonexistent/libvirt-sock")
        #expect(message.contains("/nonexistent/libvirt-sock: there is no such socket"))
        #expect(message.contains("is the libvirt daemon running?"))
    }

    @Test func aPathThatIsTooLong() async {
        let path = "/tmp/" + String(repeating: "x", count: 120)
        let message = await message(of: "test+unix:///default?socket=\(path)")
        #expect(message.contains("at most 107"))
    }

    @Test func wrongURIs() async {
        let word = await message(of: "nonsense")
        #expect(word.contains("neither a URI") && word.contains("nor an alias"))
        let transport = await message(of: "qemu+carrier://host/system")
        #expect(transport.contains("is not a libvirt URI") && transport.contains("\"carrier\""))
        let slashes = await message(of: "qemu://system")
        #expect(slashes.contains("write qemu:///system, with three slashes"), "\(slashes)")
    }
}

private final class Box: Sendable {
    let value: UnixListener

    init(_ value: consuming UnixListener) { self.value = value }
}

private final class Held: @unchecked Sendable {
    // @unchecked: only the server's task touches it.
    private var sockets: [HeldSocket] = []

    func keep(_ socket: consuming UnixSocket) { sockets.append(HeldSocket(socket)) }
}

private final class HeldSocket {
    let socket: UnixSocket

    init(_ socket: consuming UnixSocket) { self.socket = socket }
}

extension Span where Element == UInt8 {
    fileprivate var bytesOfBytes: RawSpan {
        @_lifetime(copy self)
        get { unsafe bytes }
    }
}

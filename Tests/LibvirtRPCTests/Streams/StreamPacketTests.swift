import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import LibvirtRPC

private let procedure = XDRProcedure<XDRVoid, XDRVoid>(
    program: 99, version: 1, number: 7, name: "VOLUME")

/// A frame of the server's for the stream that call 0 opens.
private func frame(
    _ type: virNetMessageType, _ status: virNetMessageStatus, procedure: Int32 = 7,
    _ payload: some XDREncodable = XDRVoid()
) throws -> [UInt8] {
    let header = virNetMessageHeader(
        prog: 99, vers: 1, proc: procedure, type: type, serial: 0, status: status)
    return try OutgoingFrame.encoding(header, payload).head
}

@Suite("Packets of a stream, byte by byte", .timeLimit(.minutes(4))) struct StreamPacketTests {
    private let refusal = CallRefusal(.operationFailed, "cannot make a hole").error

    /// Opens a stream, after which the server has said `words`.
    private func open(_ peer: borrowing RawPeer, _ words: [UInt8]) async throws -> LinkStream {
        let link = peer.link
        let opening = Task { try await link.openStream(procedure, XDRVoid()).stream }
        _ = try await peer.receive(28)
        try peer.send(try frame(.VIR_NET_REPLY, .VIR_NET_OK) + words)
        return try await opening.value
    }

    @Test("the error of a hole comes as a reply to the call that opened the stream")
    func failedHole() async throws {
        let peer = try RawPeer()
        let stream = try await open(peer, try frame(.VIR_NET_REPLY, .VIR_NET_ERROR, refusal))
        let error = await #expect(throws: RPCError.self) { try await stream.receive() }
        #expect(error?.description == "VOLUME: cannot make a hole")
        #expect(peer.link.failure == nil && peer.link.streamCount == 0)
        peer.link.close()
    }

    @Test(
        "a hole of negative length, or cut off, ends the stream and not the link",
        arguments: [[0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0]] as [[UInt8]])
    func badHole(bytes: [UInt8]) async throws {
        let peer = try RawPeer()
        var words = try frame(.VIR_NET_STREAM_HOLE, .VIR_NET_CONTINUE) + bytes
        words[3] = UInt8(28 + bytes.count)
        let stream = try await open(peer, words)
        let error = await #expect(throws: RPCError.self) { try await stream.receive() }
        guard case .streamEnded(.malformed) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        // The server is told, and the serial kept until it has confirmed.
        #expect(try await peer.receive(28) == frame(.VIR_NET_STREAM, .VIR_NET_ERROR))
        #expect(peer.link.streamCount == 1)
        try peer.send(try frame(.VIR_NET_STREAM, .VIR_NET_OK))
        while peer.link.streamCount > 0 { await Task.yield() }
        #expect(peer.link.failure == nil)
        peer.link.close()
    }

    @Test("packets of another procedure, or of a stream that is over, are dropped")
    func foreignPackets() async throws {
        let peer = try RawPeer()
        let foreign = try frame(.VIR_NET_STREAM, .VIR_NET_ERROR, procedure: 8, refusal)
        let stream = try await open(peer, foreign + (try frame(.VIR_NET_STREAM, .VIR_NET_CONTINUE)))
        #expect(try await stream.receive() == nil)
        let finishing = Task { try await stream.finish() }
        #expect(try await peer.receive(28) == frame(.VIR_NET_STREAM, .VIR_NET_OK))
        let late = try frame(.VIR_NET_STREAM, .VIR_NET_ERROR, refusal)
        try peer.send(try frame(.VIR_NET_STREAM, .VIR_NET_OK) + late)
        try await finishing.value
        #expect(peer.link.failure == nil && peer.link.streamCount == 0)
        peer.link.close()
    }

    @Test("a stream that opens after its caller has gone is given up")
    func abandoned() async throws {
        let peer = try RawPeer()
        let link = peer.link
        let opening = Task { _ = try await link.openStream(procedure, XDRVoid()) }
        _ = try await peer.receive(28)
        opening.cancel()
        await #expect(throws: RPCError.self) { try await opening.value }
        #expect(link.streamCount == 1)
        try peer.send(try frame(.VIR_NET_REPLY, .VIR_NET_OK))
        #expect(try await peer.receive(28) == frame(.VIR_NET_STREAM, .VIR_NET_ERROR))
        try peer.send(try frame(.VIR_NET_STREAM, .VIR_NET_OK))
        while link.streamCount > 0 { await Task.yield() }
        link.close()
    }
}

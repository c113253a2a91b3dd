import Foundation
import LibvirtProtocol
import LinuxIO
import Testing
import XDR

@testable import LibvirtRPC

private let procedure = XDRProcedure<XDRVoid, UInt32>(
    program: 99, version: 1, number: 3, name: "NUMBER")

private typealias Text = remote_domain_lookup_by_name_args
private let text = XDRProcedure<Text, XDRVoid>(program: 99, version: 1, number: 9, name: "TEXT")

private func reply(
    serial: UInt32, procedure: Int32 = 3, status: virNetMessageStatus = .VIR_NET_OK,
    _ payload: some XDREncodable = 42 as UInt32
) throws -> [UInt8] {
    let header = virNetMessageHeader(
        prog: 99, vers: 1, proc: procedure, type: .VIR_NET_REPLY, serial: serial, status: status)
    return try OutgoingFrame.encoding(header, payload).head
}

@Suite("How links and their calls end", .timeLimit(.minutes(4))) struct LinkEndTests {
    /// Starts a call whose frame the peer has read.
    private func callUnderWay(_ peer: borrowing RawPeer) async throws -> Task<UInt32, any Error> {
        let link = peer.link
        let call = Task { try await link.call(procedure, XDRVoid()) }
        #expect(try await peer.receive(28).count == 28)
        return call
    }

    private func error(of call: Task<UInt32, any Error>) async -> RPCError? {
        guard case .failure(let error) = await call.result else { return nil }
        return error as? RPCError
    }

    @Test("what the peer said before it went is told, also when our write finds it gone first")
    func lastWords() async throws {
        let loop = try EventLoop.start(name: "last-words")
        for _ in 0..<100 {
            let pair = try UnixSocket.pair(.stream)
            // A frame of 64 bytes of which 8 come.
            let start: [UInt8] = [0, 0, 0, 64, 0x20, 0, 0x80, 0x86]
            #expect(try pair.first.send(start.span.raw) == 8)
            pair.first.shutdown()
            let theirs = try UnixSocket(adopting: try pair.second.descriptor.duplicate())
            let link = Link.start(UnixCarrier(theirs, loop: loop), timers: loop)
            let error = await #expect(throws: RPCError.self) {
                try await link.call(procedure, XDRVoid())
            }
            #expect(error?.description.contains("ended in the middle of the frame") == true)
        }
        loop.stop()
    }

    @Test("late, unknown and stream packets are nobody's") func ignored() async throws {
        let peer = try RawPeer()
        let call = try await callUnderWay(peer)
        try peer.send(try reply(serial: 77))
        let stream = virNetMessageHeader(
            prog: 99, vers: 1, proc: 3, type: .VIR_NET_STREAM, serial: 0, status: .VIR_NET_CONTINUE)
        try peer.send(try OutgoingFrame.encoding(stream, 1 as UInt32).head)
        // An event with the serial of the call: the type decides.
        let event = virNetMessageHeader(
            prog: 99, vers: 1, proc: 3, type: .VIR_NET_MESSAGE, serial: 0, status: .VIR_NET_OK)
        try peer.send(try OutgoingFrame.encoding(event, 2 as UInt32).head)
        try peer.send(try reply(serial: 0))
        #expect(try await call.value == 42)
        peer.link.close()
    }

    @Test("a reply of another procedure ends the link, not one caller's patience")
    func mismatch() async throws {
        let peer = try RawPeer()
        let call = try await callUnderWay(peer)
        try peer.send(try reply(serial: 0, procedure: 4))
        let error = await error(of: call)
        #expect(error?.description.contains("malformed frame at byte 0") == true)
        #expect(error?.mayHaveRun == true)
    }

    @Test("a reply that is to be continued ends the link") func continued() async throws {
        let peer = try RawPeer()
        let call = try await callUnderWay(peer)
        try peer.send(try reply(serial: 0, status: .VIR_NET_CONTINUE))
        #expect(await error(of: call)?.description.contains("cannot be continued") == true)
    }

    @Test("a result that is none is the call's error alone") func undecodable() async throws {
        let peer = try RawPeer()
        let call = try await callUnderWay(peer)
        try peer.send(try reply(serial: 0, XDRVoid()))
        let error = await error(of: call)
        guard case .invalidReply = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(peer.link.failure == nil)
        let next = Task { [link = peer.link] in try await link.call(procedure, XDRVoid()) }
        _ = try await peer.receive(28)
        // Bytes that follow the result are a newer server's.
        try peer.send(try reply(serial: 1, 0x0000_002B_0000_0000 as UInt64))
        #expect(try await next.value == 43)
        peer.link.close()
    }

    @Test("a cancelled call's late reply and its descriptors are dropped")
    func lateDescriptors() async throws {
        let peer = try RawPeer(LinkConfiguration(mostCallsInFlight: 1))
        let cancelled = try await callUnderWay(peer)
        let waiting = Task { [link = peer.link] in try await link.call(procedure, XDRVoid()) }
        cancelled.cancel()
        let error = await error(of: cancelled)
        guard case .cancelled(.mayHaveRun) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        let header = virNetMessageHeader(
            prog: 99, vers: 1, proc: 3, type: .VIR_NET_REPLY_WITH_FDS, serial: 0,
            status: .VIR_NET_OK)
        let none = PassedDescriptors(DescriptorQueue())
        var late = try OutgoingFrame.encoding(header, 42 as UInt32, descriptors: none).head
        late[31] = 1  // Announces one descriptor.
        try peer.send(late)
        let pipe = try UnixSocket.pair(.stream)
        let passed = try pipe.first.descriptor.duplicate()
        #expect(
            try peer.socket.send([0 as UInt8].span.raw, descriptors: [passed.rawValue]) == 1)
        // The place is free only now.
        #expect(try await peer.receive(28).count == 28)
        try peer.send(try reply(serial: 1))
        #expect(try await waiting.value == 42)
        peer.link.close()
        await peer.link.waitUntilReleased()
    }

    /// How many descriptors of this process's are of a file in memory.
    private func descriptorCount(of file: String) throws -> Int {
        let files = FileManager.default
        return try files.contentsOfDirectory(atPath: "/proc/self/fd").filter { number in
            let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)")
            return target?.hasPrefix("/memfd:\(file)") == true
        }.count
    }

    @Test("a link that has ended keeps nothing that came of a frame which is never whole")
    func unfinished() async throws {
        let name = "unfinished-\(UInt64.random(in: 0...UInt64.max))"
        let file = try OwnedDescriptor.memoryFile(name: name, byteCount: 4)
        let peer = try RawPeer()
        let header = virNetMessageHeader(
            prog: 99, vers: 1, proc: 3, type: .VIR_NET_REPLY_WITH_FDS, serial: 0,
            status: .VIR_NET_OK)
        let none = PassedDescriptors(DescriptorQueue())
        var frame = try OutgoingFrame.encoding(header, 42 as UInt32, descriptors: none).head
        frame[31] = 3  // Announces three descriptors, of which two come.
        try peer.send(frame)
        for _ in 0..<2 {
            let sent = try peer.socket.send([0 as UInt8].span.raw, descriptors: [file.rawValue])
            #expect(sent == 1)
        }
        peer.socket.shutdown()
        await peer.link.waitUntilReleased()
        #expect(peer.link.failure?.description.contains("descriptor") == true)
        #expect(try descriptorCount(of: name) == 1)
        _ = file.rawValue
        withExtendedLifetime(peer.link) {}
    }

    @Test("a deadline ends a call that was sent, and one that still waits")
    func deadlines() async throws {
        let peer = try RawPeer(LinkConfiguration(mostCallsInFlight: 1))
        let link = peer.link
        let sent = Task {
            try await link.call(procedure, XDRVoid(), deadline: .now + .milliseconds(30))
        }
        _ = try await peer.receive(28)
        let waiting = Task {
            try await link.call(procedure, XDRVoid(), deadline: .now + .milliseconds(30))
        }
        guard case .deadlineExceeded(.mayHaveRun) = await error(of: sent)?.kind,
            case .deadlineExceeded(.notSent) = await error(of: waiting)?.kind
        else {
            Issue.record("not as expected")
            return
        }
        link.close()
    }

    @Test("a silent peer is pinged, and given up when it does not answer")
    func keepalive() async throws {
        let policy = KeepalivePolicy(interval: .milliseconds(20), count: 3)
        let peer = try RawPeer(LinkConfiguration(keepalive: policy))
        let received = try await peer.receive(3 * 28)
        #expect(received.count == 3 * 28)
        for start in stride(from: 0, to: received.count, by: 28) {
            #expect(Array(received[start + 4..<start + 8]) == Array("keep".utf8))
            #expect(received[start + 15] == UInt8(Keepalive.PING.number))
        }
        await peer.link.waitUntilReleased()
        #expect(peer.link.failure?.reason == .keepalive(silence: .milliseconds(80)))
    }

    @Test(
        "a peer that has its fill of a stream may be silent for longer: it reads no pings behind it"
    )
    func keepaliveBehindData() async throws {
        let policy = KeepalivePolicy(interval: .milliseconds(20), count: 1)
        let peer = try RawPeer(LinkConfiguration(keepalive: policy))
        let link = peer.link
        let opening = Task { try await link.openStream(procedure, XDRVoid()) }
        let call = try await peer.receive(28)
        try peer.send(try reply(serial: UInt32(call[23])))
        let stream = try await opening.value.stream
        try await stream.send([1, 2, 3])
        await link.waitUntilReleased()
        guard case .keepalive(let silence) = link.failure?.reason else {
            Issue.record("\(String(describing: link.failure))")
            return
        }
        // Of twenty milliseconds each: ten for every one that it may be silent otherwise, and ten more.
        #expect(silence == .milliseconds(400))
    }

    @Test("a peer that answers pings is kept") func answeredPings() async throws {
        let policy = KeepalivePolicy(interval: .milliseconds(20), count: 1_000)
        let peer = try RawPeer(LinkConfiguration(keepalive: policy))
        for _ in 0..<10 {
            var answer = try await peer.receive(28)
            answer[15] = UInt8(Keepalive.PONG.number)
            try peer.send(answer)
        }
        #expect(peer.link.failure == nil)
        peer.link.close()
    }

    @Test("a peer that does not read is not waited for") func backlog() async throws {
        let peer = try RawPeer(LinkConfiguration(mostQueuedBytes: 100_000))
        let message = Text(name: XDRString(String(repeating: "x", count: 10_000)))
        for _ in 0..<1_000 where peer.link.failure == nil {
            try peer.link.send(event: text, message)
        }
        guard case .backlog = peer.link.failure?.reason else {
            Issue.record("\(String(describing: peer.link.failure))")
            return
        }
    }

    @Test("calls that were never written are told from those that were")
    func unsentCalls() async throws {
        let peer = try RawPeer(LinkConfiguration(mostCallsInFlight: 64))
        let link = peer.link
        let argument = Text(name: XDRString(String(repeating: "x", count: 1 << 20)))
        let calls = (0..<8).map { _ in Task { _ = try await link.call(text, argument) } }
        // The peer reads nothing: the first frame fills the socket, the rest wait in a queue.
        while link.carrier.queuedByteCount < 7 << 20 { await Task.yield() }
        link.close()
        for call in calls {
            guard case .failure(let error as RPCError) = await call.result,
                case .connectionLost(let failure, .notSent) = error.kind
            else {
                Issue.record("not as expected")
                continue
            }
            #expect(failure.reason == .closed)
        }
    }
}

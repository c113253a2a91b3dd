import LibvirtProtocol
import LibvirtRPC
import LinuxIO
import Synchronization
import Testing
import XDR

private let echo = XDRProcedure<remote_domain_lookup_by_name_args, remote_connect_get_hostname_ret>(
    program: 99, version: 1, number: 1, name: "ECHO")
private let silence = XDRProcedure<XDRVoid, XDRVoid>(
    program: 99, version: 1, number: 2, name: "SILENCE")

private func table() -> ProcedureTable {
    var table = ProcedureTable()
    table.serve(echo) { arguments in remote_connect_get_hostname_ret(hostname: arguments.name) }
    table.serve(silence) { (_) async throws(CallRefusal) in
        throw CallRefusal(.operationInvalid, "not now", domain: .test)
    }
    return table
}

private func serving(_ table: ProcedureTable) -> LinkHandlers {
    LinkHandlers(answer: { await table.answer($0) })
}

@Suite struct LinkTests {
    @Test func callsAreAnsweredWhateverTheirNumber() async throws {
        let pair = try LinkPair(serverHandlers: serving(table()))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<200 {
                group.addTask {
                    let name = XDRString(String(repeating: "x", count: index * 37) + "\(index)")
                    let reply = try await pair.client.call(echo, .init(name: name))
                    #expect(reply.hostname == name)
                }
            }
            try await group.waitForAll()
        }
        pair.client.close()
    }

    @Test func aLongPayloadArrivesWhole() async throws {
        let pair = try LinkPair(serverHandlers: serving(table()))
        let name = XDRString(String(repeating: "long ", count: 100_000))
        #expect(try await pair.client.call(echo, .init(name: name)).hostname == name)
        pair.client.close()
    }

    @Test func argumentsBeyondALimitAreNotSent() async throws {
        let pair = try LinkPair(serverHandlers: serving(table()))
        let name = XDRString(String(repeating: "x", count: 4_194_305))
        let error = await #expect(throws: RPCError.self) {
            try await pair.client.call(echo, .init(name: name))
        }
        #expect(error?.description.contains("was not sent") == true)
        #expect(try await pair.client.call(echo, .init(name: "y")).hostname == "y")
        pair.client.close()
    }

    @Test func refusalsKeepWhatTheServerSaid() async throws {
        let pair = try LinkPair(serverHandlers: serving(table()))
        let error = await #expect(throws: RPCError.self) {
            try await pair.client.call(silence, XDRVoid())
        }
        guard case .refused(let refusal) = error?.kind else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(refusal.code == virErrorNumber.operationInvalid.rawValue)
        #expect(refusal.message == "not now")
        let unknown = XDRProcedure<XDRVoid, XDRVoid>(
            program: 99, version: 1, number: 77, name: "UNKNOWN")
        let second = await #expect(throws: RPCError.self) {
            try await pair.client.call(unknown, XDRVoid())
        }
        #expect(second?.description.contains("unknown procedure: 77") == true)
        pair.client.close()
    }

    @Test func eventsComeInOrderWhileCallsGoOn() async throws {
        let (events, sink) = AsyncStream.makeStream(of: Int32.self)
        let event = Remote.DOMAIN_EVENT_CALLBACK_REBOOT
        let pair = try LinkPair(
            clientHandlers: LinkHandlers(event: { incoming in
                if let message = try? incoming.message(of: event) { sink.yield(message.callbackID) }
            }), serverHandlers: serving(table()))
        let domain = remote_nonnull_domain(name: "d", uuid: remote_uuid(), id: 1)
        for index in 0..<500 as Range<Int32> {
            try pair.server.send(
                event: event,
                remote_domain_event_callback_reboot_msg(
                    callbackID: index, msg: remote_domain_event_reboot_msg(dom: domain)))
        }
        #expect(try await pair.client.call(echo, .init(name: "z")).hostname == "z")
        var expected: Int32 = 0
        for await index in events {
            #expect(index == expected)
            expected += 1
            if expected == 500 { break }
        }
        pair.client.close()
    }

    @Test func theEndOfThePeerEndsEveryCall() async throws {
        let (arrived, sink) = AsyncStream.makeStream(of: Void.self)
        let pair = try LinkPair(
            serverHandlers: LinkHandlers(answer: { call in
                sink.yield()
                // Never answered: the server goes away instead.
                unsafe await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
                return .success([], descriptors: nil)
            }))
        let calls = (0..<10).map { _ in
            Task { try await pair.client.call(silence, XDRVoid()) }
        }
        var iterator = arrived.makeAsyncIterator()
        for _ in 0..<4 { await iterator.next() }
        pair.server.close()
        var mayHaveRun = 0
        for call in calls {
            guard case .failure(let error as RPCError) = await call.result else {
                Issue.record("a call ended without an error")
                continue
            }
            if error.mayHaveRun { mayHaveRun += 1 }
        }
        #expect(mayHaveRun == 4)
        #expect(pair.client.failure?.reason == .endOfStream)
    }

    @Test func descriptorsPassBothWays() async throws {
        var table = ProcedureTable()
        table.serve(silence) { _ in XDRVoid() }
        let procedures = table
        let pair = try LinkPair(
            serverHandlers: LinkHandlers(answer: { call in
                guard let descriptors = call.descriptors else {
                    return await procedures.answer(call)
                }
                return .success([], descriptors: PassedDescriptors(descriptors.takeAll()))
            }))
        let file = try OwnedDescriptor.memoryFile(name: "passed", byteCount: 4096)
        let identity = try file.status().identity
        var queue = DescriptorQueue()
        queue.append(try file.duplicate())
        queue.append(try file.duplicate())
        let reply = try await pair.client.callReturningDescriptors(
            silence, XDRVoid(), descriptors: PassedDescriptors(queue))
        #expect(reply.descriptors?.count == 2)
        while let descriptor = reply.descriptors?.takeFirst() {
            #expect(try descriptor.status().identity == identity)
        }
        #expect(try await pair.client.call(silence, XDRVoid()) == XDRVoid())
        pair.client.close()
    }

    @Test func pingsAreAnsweredWithNothingElseSetUp() async throws {
        let (pongs, sink) = AsyncStream.makeStream(of: Int32.self)
        let loop = try EventLoop.start(name: "ping-test")
        let sockets = try UnixSocket.pair(.stream)
        let ours = try UnixSocket(adopting: try sockets.first.descriptor.duplicate())
        let theirs = try UnixSocket(adopting: try sockets.second.descriptor.duplicate())
        let link = Link.start(UnixCarrier(theirs, loop: loop), timers: loop)
        let watch = try loop.watch(ours.descriptor, for: .readable) { _ in sink.yield(1) }
        // A PING of libvirt's keepalive program, byte for byte.
        let ping: [UInt8] = [
            0x00, 0x00, 0x00, 0x1C,  // length: 28
            0x6B, 0x65, 0x65, 0x70,  // program: "keep"
            0x00, 0x00, 0x00, 0x01,  // version
            0x00, 0x00, 0x00, 0x01,  // procedure: PING
            0x00, 0x00, 0x00, 0x02,  // type: MESSAGE
            0x00, 0x00, 0x00, 0x00,  // serial
            0x00, 0x00, 0x00, 0x00,  // status: OK
        ]
        _ = try ours.send(ping.span.rawSpan)
        for await _ in pongs { break }
        loop.cancel(watch, ours.descriptor)
        var answer = [UInt8](repeating: 0, count: 64)
        var span = answer.mutableSpan
        var memory = span.mutableRawSpan
        let count = try ours.receive(into: &memory)?.byteCount
        var pong = ping
        pong[15] = 2
        #expect(count == 28)
        #expect(Array(answer.prefix(28)) == pong)
        link.close()
    }
}

extension Span where Element == UInt8 {
    fileprivate var rawSpan: RawSpan {
        @_lifetime(copy self)
        get { unsafe bytes }
    }
}

extension MutableSpan where Element == UInt8 {
    fileprivate var mutableRawSpan: MutableRawSpan {
        @_lifetime(&self)
        mutating get { unsafe mutableBytes }
    }
}
